/*
 * Opens the clients, says "ready" with the figures of it, then obeys commands on standard input, one a line:
 *
 *     measure SECONDS   one window; "start" and "end" on standard error at its bounds, its figures on standard output
 *     stall             the clients that were to stall stop reading, for good
 *
 * The end of standard input ends it.
 */
#define _GNU_SOURCE
#include "fanload.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS (40 * 1000000LL) /* so long without an arrival is a pause between two broadcasts */
#define LONGEST_WAIT_S 5          /* for a pause; a server that is overloaded makes none */

struct options options = { .path = "/", .match = "", .clients = 1, .in_flight = 40 };
struct client *clients;
struct census census;

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void die(const char *what)
{
    perror(what);
    exit(2);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        { "port", required_argument, NULL, 'p' },      { "path", required_argument, NULL, 'u' },
        { "match", required_argument, NULL, 'm' },     { "subscribe", required_argument, NULL, 's' },
        { "clients", required_argument, NULL, 'n' },   { "stalling", required_argument, NULL, 'k' },
        { "in-flight", required_argument, NULL, 'f' }, { "socketio", no_argument, NULL, 'i' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'u': options.path = optarg; break;
        case 'm': options.match = optarg; break;
        case 's': options.subscribe = optarg; break;
        case 'n': options.clients = atoi(optarg); break;
        case 'k': options.stalling = atoi(optarg); break;
        case 'f': options.in_flight = atoi(optarg); break;
        case 'i': options.is_socketio = 1; break;
        default: exit(1);
        }
    }
    if (!options.port || options.clients < 1 || options.in_flight < 1 || options.stalling > options.clients) {
        fprintf(stderr, "usage: fanload --port P --path PATH --match TEXT --clients N [--subscribe TEXT]"
                        " [--socketio] [--stalling K] [--in-flight H]\n");
        exit(1);
    }
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((rlim_t)options.clients + 16 > limit.rlim_cur) {
        fprintf(stderr, "%d clients need more than %llu descriptors\n", options.clients,
                (unsigned long long)limit.rlim_cur);
        exit(1);
    }
}

static void connect_all(void)
{
    int64_t began = now_ns(), swept = began;
    while (census.started < options.clients || census.in_flight) {
        while (census.started < options.clients && census.in_flight < options.in_flight)
            client_start(census.started++);
        clients_poll(50);
        int64_t now = now_ns();
        if (now - swept < NS_PER_S) continue;
        swept = now;
        for (int i = 0; i < census.started; i++)
            if (clients[i].state != OPEN && clients[i].state != GONE && clients[i].deadline < now)
                client_fail(&clients[i]);
    }
    double seconds = (double)(census.last_opened_at - began) / NS_PER_S;
    fprintf(stderr, "ready {\"open\":%d,\"failed\":%d,\"per_s\":%.0f}\n", census.open, census.failed,
            census.open ? census.open / seconds : 0.0);
}

static void wait_for_pause(void)
{
    int64_t give_up = now_ns() + LONGEST_WAIT_S * NS_PER_S;
    while (window_last_arrival() + PAUSE_NS > now_ns() && now_ns() < give_up) clients_poll(1);
}

static void measure(double seconds)
{
    /* not before the first broadcast that follows, so that there is something to pause after */
    int64_t asked = now_ns();
    while (window_last_arrival() < asked && now_ns() < asked + LONGEST_WAIT_S * NS_PER_S) clients_poll(1);
    wait_for_pause();
    window_begin();
    int64_t began = now_ns(), end = began + (int64_t)(seconds * NS_PER_S);
    fprintf(stderr, "start\n");
    /* never asleep: a server that sends more slowly than we read would pay for waking us with each message */
    while (now_ns() < end) clients_poll(0);
    wait_for_pause();
    double took = (double)(now_ns() - began) / NS_PER_S;
    fprintf(stderr, "end\n");
    window_print(took);
}

static void obey(const char *command)
{
    if (!strncmp(command, "measure ", 8)) measure(atof(command + 8));
    else if (!strcmp(command, "stall")) clients_stall();
    else fprintf(stderr, "unknown command: %s\n", command);
}

static void obey_until_end_of_input(void)
{
    char input[256];
    size_t size = 0;
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    for (;;) {
        ssize_t got = read(STDIN_FILENO, input + size, sizeof input - 1 - size);
        if (!got) return;
        if (got > 0) {
            size += got;
            input[size] = 0;
            for (char *end; (end = strchr(input, '\n'));) {
                *end = 0;
                obey(input);
                size -= end + 1 - input;
                memmove(input, end + 1, size + 1);
            }
        }
        clients_poll(5);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stderr, NULL, _IOLBF, 0);
    raise_descriptor_limit();
    clients_init();
    connect_all();
    obey_until_end_of_input();
    /* a reset instead of a close leaves nothing waiting in the kernel */
    struct linger at_once = { 1, 0 };
    for (int i = 0; i < options.clients; i++)
        if (clients[i].state != GONE)
            setsockopt(clients[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return 0;
}
