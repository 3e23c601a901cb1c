/*
 * One client: TCP, the WebSocket handshake, for Socket.IO the Engine.IO session and the namespace, then its updates.
 *
 * Compression is not offered. Times of arrival are the kernel's receive timestamps, so that the time that this
 * program takes to get round to a client is not taken for the server's.
 */
#define _GNU_SOURCE
#include "fanload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_PER_ADDRESS 15000
#define HANDSHAKE_TIMEOUT_S 30
#define RECEIVE_SIZE (1 << 20)
/* A client that will stall announces what one behind a network would: loopback's 64 KB segments would otherwise let
   the server's kernel swallow megabytes for it first. */
#define STALLING_RECEIVE_BUFFER 4096
#define STALLING_SEGMENT 1460

enum opcode { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

static int poll_fd;
static char request[1024];
static int request_size;
static uint8_t received[RECEIVE_SIZE];

void clients_init(void)
{
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc(options.clients, sizeof *clients);
    if (poll_fd < 0 || !clients) die("init");
    request_size = snprintf(request, sizeof request,
                            "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                            options.path, options.port);
    /* spread evenly over the order of connection */
    for (int i = 0; i < options.stalling; i++)
        clients[(int64_t)i * options.clients / options.stalling].will_stall = 1;
}

void client_fail(struct client *client)
{
    if (client->state == GONE) return;
    if (client->state == OPEN) {
        census.lost++;
    } else {
        census.failed++;
        census.in_flight--;
    }
    client->state = GONE;
    close(client->fd);
    free(client->held);
    client->held = NULL;
    client->held_size = 0;
}

void client_start(int index)
{
    struct client *client = &clients[index];
    int one = 1, buffer = STALLING_RECEIVE_BUFFER, segment = STALLING_SEGMENT;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) die("socket");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(client->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    if (client->will_stall) {
        setsockopt(client->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    /* 127.0.0.1, then .2 and so on: one address has too few ports for many clients */
    uint32_t address = INADDR_LOOPBACK + index / CLIENTS_PER_ADDRESS;
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(client->fd, (struct sockaddr *)&from, sizeof from)) die("bind");
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(options.port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    census.in_flight++;
    client->state = CONNECTING;
    client->deadline = now_ns() + HANDSHAKE_TIMEOUT_S * NS_PER_S;
    if (connect(client->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        client_fail(client);
        return;
    }
    struct epoll_event event = { .events = EPOLLOUT, .data.u32 = index };
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, client->fd, &event)) die("epoll_ctl");
}

void clients_stall(void)
{
    for (int i = 0; i < options.clients; i++)
        if (clients[i].will_stall && clients[i].state == OPEN)
            epoll_ctl(poll_fd, EPOLL_CTL_DEL, clients[i].fd, NULL);
}

/* A short frame, masked with zeros as the protocol allows. */
static void send_frame(struct client *client, enum opcode opcode, const void *payload, size_t size)
{
    uint8_t frame[8 + 256];
    size_t head = 0;
    if (size > 256) {
        client_fail(client);
        return;
    }
    frame[head++] = 0x80 | opcode;
    if (size < 126) {
        frame[head++] = 0x80 | size;
    } else {
        frame[head++] = 0x80 | 126;
        frame[head++] = size >> 8;
        frame[head++] = size & 255;
    }
    memset(frame + head, 0, 4);
    head += 4;
    memcpy(frame + head, payload, size);
    if (send(client->fd, frame, head + size, MSG_NOSIGNAL) != (ssize_t)(head + size)) client_fail(client);
}

static void send_text(struct client *client, const char *text) { send_frame(client, TEXT, text, strlen(text)); }

static void opened(struct client *client)
{
    if (options.subscribe) send_text(client, options.subscribe);
    if (client->state == GONE) return;
    client->state = OPEN;
    census.open++;
    census.in_flight--;
    census.last_opened_at = now_ns();
}

static void on_text(struct client *client, const uint8_t *text, size_t size, int64_t at)
{
    static size_t match_size;
    if (!match_size) match_size = strlen(options.match);
    if (client->state == ENGINE_OPEN) {
        client->state = NAMESPACE_CONNECT;
        send_text(client, "40");
    } else if (client->state == NAMESPACE_CONNECT) {
        if (size >= 2 && !memcmp(text, "40", 2)) opened(client);
        else client_fail(client);
    } else if (options.is_socketio && size == 1 && *text == '2') {
        send_text(client, "3");
    } else if (memmem(text, size < 64 ? size : 64, options.match, match_size)) {
        window_note(client, at, size);
    }
}

/* Handles the whole frames; gives how many bytes they took. */
static size_t take_frames(struct client *client, const uint8_t *bytes, size_t size, int64_t at)
{
    size_t done = 0;
    while (client->state != GONE && size - done >= 2) {
        const uint8_t *frame = bytes + done;
        size_t head = 2, length = frame[1] & 127;
        if (length == 126) {
            head = 4;
            if (size - done < head) break;
            length = (size_t)frame[2] << 8 | frame[3];
        }
        if (length == 127 || frame[1] & 128 || frame[0] & 0x70 || !(frame[0] & 0x80)) {
            client_fail(client); /* larger than 64 KB, masked, compressed or in fragments: no server here does that */
            break;
        }
        if (size - done < head + length) break;
        done += head + length;
        int opcode = frame[0] & 15;
        if (opcode == TEXT) on_text(client, frame + head, length, at);
        else if (opcode == PING) send_frame(client, PONG, frame + head, length);
        else if (opcode == CLOSE) client_fail(client);
    }
    return done;
}

static ssize_t receive(struct client *client, uint8_t *buffer, size_t size, int64_t *at)
{
    struct iovec vector = { buffer, size };
    char control[128];
    struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t got = recvmsg(client->fd, &message, 0);
    *at = 0;
    if (got > 0) {
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            struct timespec stamp;
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
            memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
            *at = stamp.tv_sec * NS_PER_S + stamp.tv_nsec;
        }
    }
    if (!*at) *at = now_ns();
    return got;
}

static void on_readable(struct client *client)
{
    int64_t at;
    if (client->held_size) memcpy(received, client->held, client->held_size);
    ssize_t got = receive(client, received + client->held_size, sizeof received - client->held_size, &at);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        client_fail(client);
        return;
    }
    size_t size = client->held_size + got, done = 0;
    if (client->state == HANDSHAKE) {
        uint8_t *end = memmem(received, size, "\r\n\r\n", 4);
        if (end) {
            if (memcmp(received, "HTTP/1.1 101", 12)) {
                client_fail(client);
                return;
            }
            done = end + 4 - received;
            if (options.is_socketio) client->state = ENGINE_OPEN;
            else opened(client);
        }
    }
    if (client->state != HANDSHAKE && client->state != GONE)
        done += take_frames(client, received + done, size - done, at);
    if (client->state == GONE) return;
    free(client->held);
    client->held = NULL;
    client->held_size = size - done;
    if (client->held_size) {
        client->held = malloc(client->held_size);
        if (!client->held) die("malloc");
        memcpy(client->held, received + done, client->held_size);
    }
}

static void on_connected(struct client *client, uint32_t index)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || send(client->fd, request, request_size, MSG_NOSIGNAL) != request_size) {
        client_fail(client);
        return;
    }
    client->state = HANDSHAKE;
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

void clients_poll(int timeout_ms)
{
    struct epoll_event events[512];
    int count = epoll_wait(poll_fd, events, 512, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct client *client = &clients[events[i].data.u32];
        if (client->state == CONNECTING) on_connected(client, events[i].data.u32);
        else if (client->state != GONE) on_readable(client);
    }
}
