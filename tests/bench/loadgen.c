/* loadgen: the bench's load generator and stand-in backend.

   loadgen load  -a ADDR -c CONNS (-d SECONDS | -n REQUESTS) -f FRAMES [options]
   loadgen serve [-b BYTES] ADDR...      a uwsgi backend: reads a packet and its body, answers 200, closes
   loadgen sink  [-b BYTES] ADDR...      the same for HTTP requests (head up to the blank line, then the body)

   ADDR: host:port (IPv4) or the path of a UNIX socket.
   FRAMES: a file of requests, each preceded by its length (u32, little endian); sent round robin.
   load's options:
     -k          keep-alive: a response ends where its Content-Length says (else at end of file)
     -s BPS      slow reader: take at most this many bytes a second on every connection
     -S BPS      slow writer: send at most this many bytes a second on every connection
     -w SECONDS  warm-up, not counted
     -e CODE     the status that counts as good (200)
     -t SECONDS  a request older than this is an error (30)
     -H          hold: open the connections, send the first half of the request, print "ready", wait for stdin to end
   One thread, one epoll. The answer is one line of JSON on stdout; latencies are in microseconds.
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { IDLE, CONNECTING, SENDING, READING };

struct conn {
	int fd, state, keep, status, slot;
	uint32_t frame;
	size_t sent;
	int64_t head, body, want;      /* bytes of the head seen, of the body seen, of the body announced (-1: to the end) */
	char buf[4096];                /* the head of the response */
	uint64_t began;
	int64_t read_credit, write_credit;
	uint32_t armed;
};

struct frame { unsigned char *data; uint32_t len; };

static struct sockaddr_storage address;
static socklen_t address_len;
static struct frame *frames;
static uint32_t n_frames, next_frame;
static int epfd, keepalive, good_status = 200;
static int64_t slow_read, slow_write;
static uint64_t started_at, counted_from, stop_at, timeout_us = 30000000;
static uint64_t limit, begun, done, errors, timeouts, bad_status, refused, bytes_in, overflowed;
static uint32_t *lat;
static size_t n_lat, cap_lat;
static char scratch[1 << 18];
static int stopping;

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what) { perror(what); exit(2); }

static void parse_address(const char *text)
{
	memset(&address, 0, sizeof address);
	const char *colon = strrchr(text, ':');
	if (colon && text[0] != '/') {
		struct sockaddr_in *in = (struct sockaddr_in *)&address;
		char host[64] = "127.0.0.1";
		if (colon != text) snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(colon + 1));
		if (inet_pton(AF_INET, host, &in->sin_addr) != 1) die("address");
		address_len = sizeof *in;
	} else {
		struct sockaddr_un *un = (struct sockaddr_un *)&address;
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof un->sun_path, "%s", text);
		address_len = offsetof(struct sockaddr_un, sun_path) + strlen(text) + 1;
	}
}

static void load_frames(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint32_t len;
	if (!f) die(path);
	while (fread(&len, 4, 1, f) == 1) {
		frames = realloc(frames, (n_frames + 1) * sizeof *frames);
		frames[n_frames].len = len;
		frames[n_frames].data = malloc(len ? len : 1);
		if (len && fread(frames[n_frames].data, len, 1, f) != 1) die("short frame");
		n_frames++;
	}
	fclose(f);
	if (!n_frames) { fprintf(stderr, "no frames\n"); exit(2); }
}

static void arm(struct conn *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	if (c->armed == events) return;
	epoll_ctl(epfd, c->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e);
	c->armed = events;
}

static void drop(struct conn *c)
{
	if (c->fd >= 0) close(c->fd);
	c->fd = -1;
	c->state = IDLE;
	c->armed = 0;
}

static void pump(struct conn *c, uint64_t now);

static void begin(struct conn *c, uint64_t now)
{
	if (stopping || (limit && begun >= limit)) { drop(c); return; }
	begun++;
	c->frame = next_frame;
	next_frame = (next_frame + 1) % n_frames;
	c->sent = 0;
	c->head = c->body = 0;
	c->want = -1;
	c->status = 0;
	c->began = now;
	if (c->fd < 0) {
		c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->fd < 0) die("socket");
		if (address.ss_family == AF_INET) {
			int one = 1;
			setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		}
		if (slow_read) {
			int small = 65536;
			setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		}
		c->armed = 0;
		c->state = CONNECTING;
		if (connect(c->fd, (struct sockaddr *)&address, address_len) == 0) c->state = SENDING;
		else if (errno == EAGAIN) {                     /* a full UNIX backlog: try again shortly */
			begun--;
			drop(c);
			c->state = IDLE;
			overflowed++;
			return;
		} else if (errno != EINPROGRESS) {
			refused++;
			errors++;
			drop(c);
			return;
		}
	} else c->state = SENDING;
	if (c->state == SENDING) pump(c, now);
	else arm(c, EPOLLOUT);
}

static void finish(struct conn *c, uint64_t now, int ok, int reuse)
{
	if (ok && c->status != good_status) { ok = 0; bad_status++; }
	if (now >= counted_from) {
		if (ok) {
			done++;
			if (n_lat == cap_lat) {
				cap_lat = cap_lat ? cap_lat * 2 : 1 << 16;
				lat = realloc(lat, cap_lat * sizeof *lat);
			}
			lat[n_lat++] = (uint32_t)(now - c->began);
		} else errors++;
	}
	if (!reuse || !ok) drop(c);
	if (!ok && errors > 1000000) stopping = 1;
	begin(c, now);
}

static void read_head(struct conn *c)
{
	/* c->buf holds c->head bytes, the blank line included */
	c->status = atoi(c->buf + 9);
	char *p = c->buf, *end = c->buf + c->head;
	c->keep = 1;
	while (p < end) {
		char *eol = memchr(p, '\n', end - p);
		if (!eol) break;
		if (!strncasecmp(p, "content-length:", 15)) c->want = atoll(p + 15);
		if (!strncasecmp(p, "connection: close", 17)) c->keep = 0;
		p = eol + 1;
	}
}

static void pump(struct conn *c, uint64_t now)
{
	if (c->state == CONNECTING) {
		int err = 0;
		socklen_t l = sizeof err;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
		if (err) { refused++; finish(c, now, 0, 0); return; }
		c->state = SENDING;
	}
	if (c->state == SENDING) {
		struct frame *f = &frames[c->frame];
		while (c->sent < f->len) {
			size_t n = f->len - c->sent;
			if (slow_write) {
				if (c->write_credit <= 0) { arm(c, EPOLLERR); return; }
				if (n > (size_t)c->write_credit) n = c->write_credit;
			}
			ssize_t r = send(c->fd, f->data + c->sent, n, MSG_NOSIGNAL);
			if (r < 0) {
				if (errno == EAGAIN) { arm(c, EPOLLOUT); return; }
				finish(c, now, 0, 0);
				return;
			}
			c->sent += r;
			c->write_credit -= r;
		}
		c->state = READING;
		arm(c, EPOLLIN);
		return;
	}
	while (c->state == READING) {
		size_t room = sizeof scratch;
		if (slow_read) {
			if (c->read_credit <= 0) { arm(c, EPOLLERR); return; }
			if (room > (size_t)c->read_credit) room = c->read_credit;
		}
		ssize_t r = recv(c->fd, scratch, room, 0);
		if (r < 0) {
			if (errno == EAGAIN) { arm(c, EPOLLIN); return; }
			finish(c, now, 0, 0);
			return;
		}
		if (r == 0) {
			finish(c, now_us(), c->status && (c->want < 0 || c->body == c->want), 0);
			return;
		}
		bytes_in += r;
		c->read_credit -= r;
		if (!c->status) {
			size_t take = sizeof c->buf - 1 - c->head;
			if (take > (size_t)r) take = r;
			memcpy(c->buf + c->head, scratch, take);
			size_t have = c->head + take;
			c->buf[have] = 0;
			char *blank = strstr(c->buf, "\r\n\r\n");
			if (!blank) {
				if (have >= sizeof c->buf - 1) { finish(c, now, 0, 0); return; }
				c->head = have;
			} else {
				int64_t head = blank + 4 - c->buf, before = c->head;
				c->head = head;
				read_head(c);
				c->body = before + r - head;
			}
		} else c->body += r;
		if (keepalive && c->status && c->want >= 0 && c->body >= c->want) {
			finish(c, now_us(), 1, c->keep);
			return;
		}
		if ((size_t)r < room && !slow_read) { arm(c, EPOLLIN); if (r < 4096) return; }
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static double at(double q) { return n_lat ? lat[(size_t)(q * (n_lat - 1))] : 0; }

static int do_load(int argc, char **argv)
{
	int conns = 1, o, hold = 0;
	double seconds = 0, warm = 0;
	const char *file = NULL;
	while ((o = getopt(argc, argv, "a:c:d:n:f:ks:S:w:e:t:H")) != -1) switch (o) {
		case 'a': parse_address(optarg); break;
		case 'c': conns = atoi(optarg); break;
		case 'd': seconds = atof(optarg); break;
		case 'n': limit = strtoull(optarg, NULL, 10); break;
		case 'f': file = optarg; break;
		case 'k': keepalive = 1; break;
		case 's': slow_read = atoll(optarg); break;
		case 'S': slow_write = atoll(optarg); break;
		case 'w': warm = atof(optarg); break;
		case 'e': good_status = atoi(optarg); break;
		case 't': timeout_us = (uint64_t)(atof(optarg) * 1e6); break;
		case 'H': hold = 1; break;
		default: return 2;
	}
	if (!file || !address_len) { fprintf(stderr, "need -a and -f\n"); return 2; }
	load_frames(file);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	struct conn *all = calloc(conns, sizeof *all);
	for (int i = 0; i < conns; i++) all[i].fd = -1;

	if (hold) {
		int opened = 0;
		for (int i = 0; i < conns; i++) {
			int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (fd < 0 || connect(fd, (struct sockaddr *)&address, address_len)) { errors++; continue; }
			if (send(fd, frames[0].data, frames[0].len / 2, MSG_NOSIGNAL) > 0) opened++;
		}
		printf("ready %d\n", opened);
		fflush(stdout);
		while (read(0, scratch, sizeof scratch) > 0);
		return 0;
	}

	started_at = now_us();
	counted_from = started_at + (uint64_t)(warm * 1e6);
	stop_at = seconds ? counted_from + (uint64_t)(seconds * 1e6) : UINT64_MAX;
	uint64_t tick = started_at;
	for (int i = 0; i < conns; i++) begin(&all[i], now_us());
	struct epoll_event ev[256];
	for (;;) {
		uint64_t now = now_us();
		if (now >= stop_at) break;
		if (limit && done + errors >= limit) break;
		int pace = (slow_read || slow_write) ? 10 : 100;
		if (overflowed) pace = 2;
		int n = epoll_wait(epfd, ev, 256, pace);
		now = now_us();
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			if (c->fd < 0) continue;
			pump(c, now);
		}
		if (now - tick >= (uint64_t)pace * 1000) {
			int64_t dt = now - tick;
			tick = now;
			overflowed = 0;
			for (int i = 0; i < conns; i++) {
				struct conn *c = &all[i];
				if (slow_read) { c->read_credit += slow_read * dt / 1000000; if (c->read_credit > slow_read) c->read_credit = slow_read; }
				if (slow_write) { c->write_credit += slow_write * dt / 1000000; if (c->write_credit > slow_write) c->write_credit = slow_write; }
				if (c->state == IDLE) { if (!stopping && (!limit || begun < limit)) begin(c, now); continue; }
				if (now > c->began && now - c->began > timeout_us) { timeouts++; finish(c, now, 0, 0); continue; }
				if ((slow_read && c->state == READING) || (slow_write && c->state == SENDING)) pump(c, now);
			}
		}
	}
	uint64_t end = now_us();
	double took = (double)(end - counted_from) / 1e6;
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	double cpu = ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	int open = 0;
	uint64_t oldest = 0;
	for (int i = 0; i < conns; i++) if (all[i].fd >= 0) { open++; if (end - all[i].began > oldest) oldest = end - all[i].began; }
	qsort(lat, n_lat, sizeof *lat, by_value);
	double mean = 0;
	for (size_t i = 0; i < n_lat; i++) mean += lat[i];
	if (n_lat) mean /= n_lat;
	printf("{\"requests\": %llu, \"errors\": %llu, \"timeouts\": %llu, \"bad_status\": %llu, \"refused\": %llu, \"bytes\": %llu, "
	       "\"seconds\": %.6f, \"mean_us\": %.1f, \"min_us\": %.0f, \"p50_us\": %.0f, \"p90_us\": %.0f, \"p99_us\": %.0f, \"p999_us\": %.0f, \"max_us\": %.0f, "
	       "\"in_flight\": %d, \"oldest_us\": %llu, \"client_cpu_s\": %.3f}\n",
	       (unsigned long long)done, (unsigned long long)errors, (unsigned long long)timeouts, (unsigned long long)bad_status,
	       (unsigned long long)refused, (unsigned long long)bytes_in, took, mean, at(0), at(.5), at(.9), at(.99), at(.999), at(1),
	       open, (unsigned long long)oldest, cpu);
	return 0;
}

/* ---- the stand-in backend ---- */

struct peer { int fd; size_t have, head; int64_t body, want; char *buf; };

static int http_mode;
static char *answer;
static size_t answer_len;

static int64_t uwsgi_content_length(const unsigned char *p, size_t n)
{
	size_t i = 0;
	while (i + 2 <= n) {
		size_t k = p[i] | p[i + 1] << 8;
		const unsigned char *key = p + i + 2;
		i += 2 + k;
		if (i + 2 > n) break;
		size_t v = p[i] | p[i + 1] << 8;
		if (k == 14 && !memcmp(key, "CONTENT_LENGTH", 14)) {
			char t[24] = "";
			memcpy(t, p + i + 2, v < 23 ? v : 23);
			return atoll(t);
		}
		i += 2 + v;
	}
	return 0;
}

static void peer_done(struct peer *p) { close(p->fd); free(p->buf); free(p); }

static void serve_peer(struct peer *p)
{
	for (;;) {
		if (!p->head) {
			ssize_t r = recv(p->fd, p->buf + p->have, 131072 - p->have, 0);
			if (r < 0 && errno == EAGAIN) return;
			if (r <= 0) { peer_done(p); return; }
			p->have += r;
			if (http_mode) {
				char *blank = memmem(p->buf, p->have, "\r\n\r\n", 4);
				if (!blank) continue;
				p->head = blank + 4 - p->buf;
				char *cl = memmem(p->buf, p->head, "ontent-Length:", 14);
				p->want = cl ? atoll(cl + 14) : 0;
			} else {
				if (p->have < 4) continue;
				size_t n = 4 + ((unsigned char)p->buf[1] | (unsigned char)p->buf[2] << 8);
				if (p->have < n) continue;
				p->head = n;
				p->want = uwsgi_content_length((unsigned char *)p->buf + 4, n - 4);
			}
			p->body = p->have - p->head;
		} else if (p->body < p->want) {
			ssize_t r = recv(p->fd, scratch, sizeof scratch, 0);
			if (r < 0 && errno == EAGAIN) return;
			if (r <= 0) { peer_done(p); return; }
			p->body += r;
		}
		if (p->head && p->body >= p->want) {
			size_t off = 0;
			fcntl(p->fd, F_SETFL, 0);
			while (off < answer_len) {
				ssize_t r = send(p->fd, answer + off, answer_len - off, MSG_NOSIGNAL);
				if (r <= 0) break;
				off += r;
			}
			peer_done(p);
			return;
		}
	}
}

static int do_serve(int argc, char **argv, int http)
{
	long body = 5;
	int o;
	http_mode = http;
	while ((o = getopt(argc, argv, "b:")) != -1) if (o == 'b') body = atol(optarg); else return 2;
	answer = malloc(body + 256);
	answer_len = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", body);
	memset(answer + answer_len, 'x', body);
	answer_len += body;
	epfd = epoll_create1(EPOLL_CLOEXEC);
	int listeners[64], n_listen = 0;
	for (int i = optind; i < argc && n_listen < 64; i++) {
		parse_address(argv[i]);
		int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (address.ss_family == AF_UNIX) unlink(((struct sockaddr_un *)&address)->sun_path);
		if (bind(fd, (struct sockaddr *)&address, address_len) || listen(fd, 4096)) die("bind");
		struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)n_listen | 1ULL << 63 };
		epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e);
		listeners[n_listen++] = fd;
	}
	printf("serving\n");
	fflush(stdout);
	struct epoll_event ev[256];
	for (;;) {
		int n = epoll_wait(epfd, ev, 256, -1);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 >> 63) {
				for (;;) {
					int fd = accept4(listeners[ev[i].data.u64 & 63], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
					if (fd < 0) break;
					struct peer *p = calloc(1, sizeof *p);
					p->fd = fd;
					p->buf = malloc(131072);
					struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };
					epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e);
				}
			} else serve_peer(ev[i].data.ptr);
		}
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) { fprintf(stderr, "usage: loadgen load|serve|sink ...\n"); return 2; }
	if (!strcmp(argv[1], "load")) return do_load(argc - 1, argv + 1);
	if (!strcmp(argv[1], "serve")) return do_serve(argc - 1, argv + 1, 0);
	if (!strcmp(argv[1], "sink")) return do_serve(argc - 1, argv + 1, 1);
	return 2;
}
