/*
 * fanload: thousands of WebSocket or Socket.IO clients in one thread, and when each got which broadcast.
 *
 * main.c opens the clients and obeys commands, client.c speaks the protocols, window.c keeps the times of arrival.
 */
#ifndef FANLOAD_H
#define FANLOAD_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL

struct options {
    const char *path;      /* of the request that opens the WebSocket */
    const char *match;     /* updates are the text messages that contain it */
    const char *subscribe; /* text to send once connected, or NULL */
    int port;
    int clients;
    int in_flight;         /* handshakes under way at a time */
    int stalling;          /* clients that will stop reading when told to */
    int is_socketio;
};

enum state { CONNECTING, HANDSHAKE, ENGINE_OPEN, NAMESPACE_CONNECT, OPEN, GONE };

struct client {
    uint8_t *held;         /* the beginning of a frame whose rest has not arrived */
    int64_t deadline;      /* of the handshake */
    uint32_t held_size;
    uint32_t received;     /* updates since the window began */
    int fd;
    uint8_t state;
    uint8_t will_stall;
};

/* What became of the clients so far. */
struct census {
    int started, open, failed, lost, in_flight;
    int64_t last_opened_at;
};

extern struct options options;
extern struct client *clients;
extern struct census census;

int64_t now_ns(void);
void die(const char *what);

/* client.c */
void clients_init(void);
void client_start(int index);
void client_fail(struct client *client);
void clients_poll(int timeout_ms);
void clients_stall(void);

/* window.c */
void window_begin(void);
void window_note(struct client *client, int64_t at, size_t size);
int64_t window_last_arrival(void);
void window_print(double seconds);

#endif
