/*
 * Times of arrival. Every server here sends each client every broadcast, in order, so the n-th update that a client
 * gets in a window is the window's n-th broadcast; a window begins and ends in a pause between two broadcasts.
 */
#include "fanload.h"

#include <stdio.h>
#include <stdlib.h>

struct broadcast {
    int64_t first, last;
    uint32_t arrived;
};

static struct broadcast *broadcasts;
static size_t n_broadcasts, broadcasts_room;
static int32_t *delays_us; /* of each arrival, after the first arrival of its broadcast */
static size_t n_delays, delays_room;
static uint64_t n_bytes;
static int64_t last_arrival;
static int is_open;
static int lost_before;

static void *grown(void *array, size_t *room, size_t item_size)
{
    *room = *room ? *room * 2 : 4096;
    array = realloc(array, *room * item_size);
    if (!array) die("realloc");
    return array;
}

void window_begin(void)
{
    n_broadcasts = n_delays = n_bytes = 0;
    lost_before = census.lost;
    for (int i = 0; i < options.clients; i++) clients[i].received = 0;
    is_open = 1;
}

void window_note(struct client *client, int64_t at, size_t size)
{
    last_arrival = now_ns();
    if (!is_open || client->will_stall) return;
    uint32_t number = client->received++;
    while (number >= n_broadcasts) {
        if (n_broadcasts == broadcasts_room)
            broadcasts = grown(broadcasts, &broadcasts_room, sizeof *broadcasts);
        broadcasts[n_broadcasts++] = (struct broadcast){ .first = at, .last = at };
    }
    struct broadcast *broadcast = &broadcasts[number];
    if (at < broadcast->first) broadcast->first = at;
    if (at > broadcast->last) broadcast->last = at;
    broadcast->arrived++;
    n_bytes += size;
    if (n_delays == delays_room) delays_us = grown(delays_us, &delays_room, sizeof *delays_us);
    delays_us[n_delays++] = (int32_t)((at - broadcast->first) / 1000);
}

int64_t window_last_arrival(void) { return last_arrival; }

static int compare_i32(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(const int32_t *sorted_us, size_t count, double share)
{
    return count ? sorted_us[(size_t)(share * (double)(count - 1) + 0.5)] / 1000.0 : 0;
}

/* Ends the window; prints what it saw as one line of JSON. */
void window_print(double seconds)
{
    is_open = 0;
    uint32_t readers = 0;
    for (int i = 0; i < options.clients; i++) readers += clients[i].state == OPEN && !clients[i].will_stall;
    int32_t *spreads_us = malloc((n_broadcasts + 1) * sizeof *spreads_us);
    if (!spreads_us) die("malloc");
    size_t complete = 0;
    for (size_t i = 0; i < n_broadcasts; i++)
        if (broadcasts[i].arrived >= readers)
            spreads_us[complete++] = (int32_t)((broadcasts[i].last - broadcasts[i].first) / 1000);
    qsort(spreads_us, complete, sizeof *spreads_us, compare_i32);
    qsort(delays_us, n_delays, sizeof *delays_us, compare_i32);
    printf("{\"seconds\":%.4f,\"messages\":%zu,\"bytes\":%llu,\"broadcasts\":%zu,\"complete\":%zu,\"lost\":%d,"
           "\"spread_p50_ms\":%.3f,\"spread_max_ms\":%.3f,\"delay_p50_ms\":%.3f,\"delay_p99_ms\":%.3f}\n",
           seconds, n_delays, (unsigned long long)n_bytes, n_broadcasts, complete, census.lost - lost_before,
           percentile_ms(spreads_us, complete, 0.5), percentile_ms(spreads_us, complete, 1),
           percentile_ms(delays_us, n_delays, 0.5), percentile_ms(delays_us, n_delays, 0.99));
    fflush(stdout);
    free(spreads_us);
}
