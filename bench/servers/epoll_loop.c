/*
 * The floor: an epoll loop that frames the payload once and calls send() once for each client.
 *
 * It serves the load generator's handshake and nothing else. What a client's kernel buffer does not take is sent when
 * there is room; meanwhile that client misses broadcasts.
 *
 * Environment: BENCH_PORT, BENCH_INTERVAL (seconds), BENCH_PAYLOAD (file with the text to send).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
    uint8_t *rest; /* of a frame that is half sent */
    size_t rest_size;
    int position;  /* in the list of open clients; -1 before the handshake */
};

/* the sample handshake of RFC 6455, whose key the load generator uses */
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static struct client *clients; /* by descriptor */
static int *open_clients, n_open;
static int n_descriptors, poll_fd;
static uint8_t frame[65536 + 4];
static size_t frame_size;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (value) return value;
    fprintf(stderr, "%s is not set\n", name);
    exit(1);
}

static void watch(int fd, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    if (epoll_ctl(poll_fd, operation, fd, &event)) die("epoll_ctl");
}

static void drop(int fd)
{
    struct client *client = &clients[fd];
    if (client->position >= 0) {
        int moved = open_clients[--n_open];
        open_clients[client->position] = moved;
        clients[moved].position = client->position;
    }
    free(client->rest);
    client->rest = NULL;
    client->position = -1;
    close(fd);
}

static void accept_all(int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= n_descriptors) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        clients[fd] = (struct client){ .position = -1 };
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void on_readable(int fd)
{
    char received[4096];
    ssize_t got = recv(fd, received, sizeof received, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        drop(fd);
    } else if (clients[fd].position < 0) { /* the request, in one segment; later frames mean nothing */
        if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1) {
            drop(fd);
            return;
        }
        clients[fd].position = n_open;
        open_clients[n_open++] = fd;
    }
}

static void on_writable(int fd)
{
    struct client *client = &clients[fd];
    ssize_t sent = send(fd, client->rest, client->rest_size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
        drop(fd);
        return;
    }
    client->rest_size -= sent;
    memmove(client->rest, client->rest + sent, client->rest_size);
    if (client->rest_size) return;
    free(client->rest);
    client->rest = NULL;
    watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void broadcast(const uint8_t *payload, size_t size)
{
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = size >> 8;
    frame[3] = size & 255;
    memcpy(frame + 4, payload, size);
    frame_size = size + 4;
    for (int i = 0; i < n_open; i++) {
        struct client *client = &clients[open_clients[i]];
        if (client->rest) continue;
        ssize_t sent = send(open_clients[i], frame, frame_size, MSG_NOSIGNAL);
        if (sent == (ssize_t)frame_size || (sent < 0 && errno == EAGAIN)) continue;
        if (sent < 0) {
            drop(open_clients[i--]);
            continue;
        }
        client->rest_size = frame_size - sent;
        client->rest = malloc(client->rest_size);
        if (!client->rest) die("malloc");
        memcpy(client->rest, frame + sent, client->rest_size);
        watch(open_clients[i], EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
}

static int listen_on(int port)
{
    int one = 1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) die("listen");
    return listener;
}

int main(void)
{
    static uint8_t payload[65536];
    double interval = atof(setting("BENCH_INTERVAL")), next = seconds_now() + interval;
    FILE *file = fopen(setting("BENCH_PAYLOAD"), "r");
    if (!file) die("BENCH_PAYLOAD");
    size_t size = fread(payload, 1, sizeof payload - 1, file);
    fclose(file);

    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    n_descriptors = (int)limit.rlim_cur;
    clients = calloc(n_descriptors, sizeof *clients);
    open_clients = calloc(n_descriptors, sizeof *open_clients);
    if (!clients || !open_clients) die("calloc");
    signal(SIGPIPE, SIG_IGN);
    poll_fd = epoll_create1(0);
    int listener = listen_on(atoi(setting("BENCH_PORT")));
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);

    for (;;) {
        struct epoll_event events[256];
        double left = next - seconds_now();
        int count = epoll_wait(poll_fd, events, 256, left > 0 ? (int)(left * 1000) + 1 : 0);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(fd);
            else if (events[i].events & EPOLLOUT) on_writable(fd);
            else on_readable(fd);
        }
        if (seconds_now() >= next) {
            broadcast(payload, size);
            next += interval;
        }
    }
}
