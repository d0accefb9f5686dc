from refuwsgi.scoreboard import Scoreboard
from refuwsgi.stats import Snapshot
from refuwsgi.stats_text import text


def test_every_number_has_its_line() -> None:
    board = Scoreboard(2, 1)
    board.workers[0].pid = 7
    board.cores[0][0].requests = 42
    board.cores[0][0].running = 1_500_000
    board.cores[0][0].offloaded = 3
    found = text(Snapshot(board, [], version="0").fields()).splitlines()
    assert 'uwsgi_worker_requests_total{worker="1"} 42' in found
    assert 'uwsgi_worker_requests_total{worker="2"} 0' in found
    assert 'uwsgi_worker_busy_seconds_total{worker="1"} 1.5' in found
    assert 'uwsgi_worker_offloaded_requests_total{worker="1"} 3' in found
    assert 'uwsgi_workers{status="idle"} 1' in found
    assert 'uwsgi_workers{status="cheap"} 1' in found
    assert found.count("# TYPE uwsgi_worker_requests_total counter") == 1


def test_offload_threads_are_summed() -> None:
    fields = Snapshot(Scoreboard(1, 1), [], version="0").fields()
    row = {"id": 0, "tasks": 2, "active": 1, "failed": 0, "timed_out": 0, "bytes": 10}
    found = text({**fields, "offload": [[row, row]]}).splitlines()
    assert 'uwsgi_offload_tasks_total{worker="1"} 4' in found
    assert 'uwsgi_offload_active{worker="1"} 2' in found


def test_names_of_sockets_are_quoted() -> None:
    fields = Snapshot(Scoreboard(1, 1), [], version="0").fields()
    fields["sockets"] = [{"name": 'a"b\\c\n', "queue": 1}]
    assert 'uwsgi_listen_queue{socket="a\\"b\\\\c\\n"} 1' in text(fields)
