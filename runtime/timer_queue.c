/* SPDX-License-Identifier: MIT */
/*
 * timer_queue.c - a front in exact order, a wheel behind it
 *
 * Time is cut into slots of 2^12 ns. The slot number of a time, written in
 * digits of six bits, says where its timer goes:
 *
 *	 cur  =  0 . 0 . 0 . 2 . 7 . 60 . 3 . 9 . 41
 *	 slot =  0 . 0 . 0 . 2 . 7 . 61 . 0 . 0 . 17
 *	                             ^
 *	  the first digit that differs: level 3, bucket 61
 *
 *	  the past      cur |             the wheel
 *	  ------------------+--------------------------------------->
 *	  front:            | level 0: | level 1:  | ... | level 8:
 *	   run, in order    | 64 x 4us | 64 x 262us|     | 64 x 36 years
 *	   heap, the others |
 *
 *	  late: registered for a time that the newest pass has had
 *
 * The first bucket's timers may come due one by one long before the last of
 * them does. When the earliest is due they are taken apart: cur moves into
 * the bucket, so that each of them differs from it in a lower digit and lands
 * on a lower level or in the front. A timer sinks at most eight times, and
 * most are cancelled before the first.
 *
 * Invariants, between any two calls:
 *
 *  1  A timer of the front has slot <= cur, one of the wheel slot > cur; so
 *     the front goes first. Without a wheel cur is behind everything.
 *  2  A timer of bucket B on level L agrees with cur in all digits above L,
 *     and its digit L is B, greater than cur's. So order of levels, then of
 *     buckets, is order of time.
 *  3  A bucket with timers has its bit set. A bit without timers is left
 *     by cancelling, which does not know the bucket, and by taking apart; the
 *     search for the first bucket removes it. cur moves no further than that
 *     search has been, so no bit stays behind to mean another time later.
 *  4  bucket.min_ns is at most the least time in the bucket, and within it.
 *  5  cur never passes the newest pass's time: what is registered later than
 *     that would pile up in the front.
 *  6  Equal times are told apart by seq_, given at registration, nowhere else.
 *
 * A bucket has four chains, filled in turn and walked abreast, so that four
 * cache misses are under way at the same time. The front is timer_front.h.
 */
#include <stdlib.h>
#include "timer_front.h"
#include "timer_order.h"
#include "timer_queue.h"

enum {
	SLOT_SHIFT = 12,
	DIGIT_BITS = 6,
	DIGITS = 1 << DIGIT_BITS,
	LEVELS = (64 - SLOT_SHIFT + DIGIT_BITS - 1) / DIGIT_BITS,
	CHAINS = 4,

	WHEEL_FROM = 32,    /* timers that are worth a wheel */
	WHEEL_WAIT = 65536, /* insertions after memory was refused */
	SMALL_BUCKET = 32,  /* not worth another level */
};

#define NO_WHEEL UINT64_MAX

struct bucket {
	struct iv_timer *chain[CHAINS];
	uint64_t min_ns;
	uint64_t put; /* insertions since the bit was set */
};

struct iv__timer_wheel {
	uint64_t levels;	 /* a bit for each level in use */
	uint64_t filled[LEVELS]; /* a bit for each bucket in use */
	struct bucket bucket[LEVELS][DIGITS];
};

/* A bucket and the slots that it stands for. */
struct span {
	struct bucket *bucket;
	uint64_t first;
	uint64_t last;
};

/* The wheel ************************************************************/

static inline void wheel_put(struct iv__timer_queue *queue,
			     struct iv_timer *timer, uint64_t key_ns)
{
	struct iv__timer_wheel *wheel = queue->wheel;
	uint64_t slot = key_ns >> SLOT_SHIFT;
	unsigned int level, digit;
	struct bucket *bucket;
	uint64_t bit;

	level = (63 - (unsigned int)__builtin_clzll(slot ^ queue->cur)) /
		DIGIT_BITS;
	digit = (slot >> (level * DIGIT_BITS)) % DIGITS;
	bucket = &wheel->bucket[level][digit];
	bit = UINT64_C(1) << digit;

	if (!(wheel->filled[level] & bit)) {
		wheel->filled[level] |= bit;
		wheel->levels |= UINT64_C(1) << level;
		bucket->put = 0;
		bucket->min_ns = key_ns;
	} else if (key_ns < bucket->min_ns) {
		bucket->min_ns = key_ns;
	}

	iv__timer_push(&bucket->chain[bucket->put++ % CHAINS], timer);
}

static inline void place(struct iv__timer_queue *queue, struct iv_timer *timer)
{
	uint64_t key_ns = iv__timer_key(timer);

	if (key_ns >> SLOT_SHIFT <= queue->cur)
		iv__timer_front_put(queue, timer);
	else
		wheel_put(queue, timer, key_ns);
}

static bool is_empty(const struct bucket *bucket)
{
	for (int i = 0; i < CHAINS; i++)
		if (bucket->chain[i] != NULL)
			return false;

	return true;
}

/* The first bucket of a level, with marks of empty ones taken away. */
static struct bucket *find_on_level(struct iv__timer_wheel *wheel,
				    unsigned int level, unsigned int *digit)
{
	uint64_t *filled = &wheel->filled[level];

	for (; *filled != 0; *filled &= *filled - 1) {
		struct bucket *bucket;

		*digit = (unsigned int)__builtin_ctzll(*filled);
		bucket = &wheel->bucket[level][*digit];
		if (!is_empty(bucket))
			return bucket;
	}
	wheel->levels &= ~(UINT64_C(1) << level);

	return NULL;
}

/* The first bucket with timers. False: the wheel is empty, or not made. */
static bool find_first(const struct iv__timer_queue *queue, struct span *span)
{
	struct iv__timer_wheel *wheel = queue->wheel;
	unsigned int level, digit, shift;

	if (wheel == NULL)
		return false;

	do {
		if (wheel->levels == 0)
			return false;
		level = (unsigned int)__builtin_ctzll(wheel->levels);
		span->bucket = find_on_level(wheel, level, &digit);
	} while (span->bucket == NULL);

	shift = level * DIGIT_BITS;
	span->first = queue->cur >> shift >> DIGIT_BITS << DIGIT_BITS;
	span->first = (span->first | digit) << shift;
	span->last = span->first + (UINT64_C(1) << shift) - 1;

	return true;
}

/* Empty the bucket, each timer into the front or to a lower level. */
static void open_bucket(struct iv__timer_queue *queue, struct bucket *bucket)
{
	struct iv_timer *chain[CHAINS];
	uint64_t last = bucket->put - 1;
	bool more;

	for (unsigned int i = 0; i < CHAINS; i++) {
		chain[i] = bucket->chain[(last - i) % CHAINS];
		bucket->chain[(last - i) % CHAINS] = NULL;
	}

	/* Backwards as they were put there: suits the run. */
	do {
		more = false;
		for (unsigned int i = 0; i < CHAINS; i++) {
			struct iv_timer *timer = chain[i];

			if (timer == NULL)
				continue;
			chain[i] = timer->next_;
			__builtin_prefetch(chain[i]);
			place(queue, timer);
			more = true;
		}
	} while (more);
}

/* Nothing is due: follow the clock, so that near times get fine slots. */
static void move_cur(struct iv__timer_queue *queue, uint64_t before)
{
	uint64_t cur = queue->limit_ns >> SLOT_SHIFT;

	if (cur >= before)
		cur = before - 1;
	if (cur > queue->cur)
		queue->cur = cur;
}

/* The front is empty: have what is due next in it, or nearer to it. */
static bool advance(struct iv__timer_queue *queue)
{
	uint64_t now = queue->limit_ns >> SLOT_SHIFT;
	struct bucket *bucket;
	struct span span;

	if (queue->wheel == NULL)
		return false;
	if (!find_first(queue, &span)) {
		move_cur(queue, UINT64_MAX);
		return false;
	}

	bucket = span.bucket;
	if (bucket->min_ns > queue->limit_ns) {
		move_cur(queue, span.first);
		return false;
	}

	if (bucket->put > SMALL_BUCKET)
		queue->cur = bucket->min_ns >> SLOT_SHIFT;
	else
		queue->cur = now < span.last ? now : span.last;
	open_bucket(queue, bucket);

	return true;
}

static void replace_all(struct iv__timer_queue *queue, struct iv_timer *list)
{
	while (list != NULL) {
		struct iv_timer *timer = list;

		list = timer->next_;
		place(queue, timer);
	}
}

/* Without memory everything goes on as before, only slower. */
static void make_wheel(struct iv__timer_queue *queue)
{
	if (queue->wheel_wait > 0) {
		queue->wheel_wait--;
		return;
	}

	queue->wheel = calloc(1, sizeof(*queue->wheel));
	if (queue->wheel == NULL) {
		queue->wheel_wait = WHEEL_WAIT;
		return;
	}

	queue->cur = queue->limit_ns >> SLOT_SHIFT;
	replace_all(queue, iv__timer_front_dissolve(queue));
}

/* The queue ************************************************************/

void iv__timer_queue_init(struct iv__timer_queue *queue)
{
	*queue = (struct iv__timer_queue){ .cur = NO_WHEEL };
	iv__timer_list_init(&queue->run);
	iv__timer_list_init(&queue->late);
}

/*
 * Of timers that the program has not unregistered the memory may be gone
 * already: a thread that ends without iv_deinit() has lost its stack.
 */
void iv__timer_queue_destroy(struct iv__timer_queue *queue)
{
	free(queue->wheel);
	iv__timer_queue_init(queue);
}

void iv__timer_queue_insert(struct iv__timer_queue *queue,
			    struct iv_timer *timer, uint16_t tag)
{
	timer->child_ = NULL;
	timer->seq_ = IV__TIMER_TAG(tag) | (queue->seq++ & IV__TIMER_SEQ_MASK);

	if (__builtin_expect(
		    ++queue->count > WHEEL_FROM && queue->wheel == NULL, 0))
		make_wheel(queue);

	if (iv__timer_key(timer) <= queue->limit_ns)
		iv__timer_append(&queue->late, timer);
	else
		place(queue, timer);
}

void iv__timer_queue_remove(struct iv__timer_queue *queue,
			    struct iv_timer *timer)
{
	struct iv_timer *children = timer->child_;

	iv__timer_detach(queue, timer);
	queue->count--;
	if (children != NULL)
		iv__timer_heap_put(queue, iv__timer_combine(children));
}

uint64_t iv__timer_queue_due_ns(const struct iv__timer_queue *queue)
{
	struct iv_timer *first = iv__timer_front_first(queue);
	struct span span;

	if (queue->late.first != NULL)
		return 0;
	if (first != NULL)
		return iv__timer_key(first);

	return find_first(queue, &span) ? span.bucket->min_ns : UINT64_MAX;
}

void iv__timer_queue_begin(struct iv__timer_queue *queue, uint64_t now_ns)
{
	struct iv_timer *late = queue->late.first;

	queue->limit_ns = now_ns;
	iv__timer_list_init(&queue->late);
	replace_all(queue, late);
}

struct iv_timer *iv__timer_queue_pop(struct iv__timer_queue *queue)
{
	struct iv_timer *timer;

	do {
		timer = iv__timer_front_first(queue);
		if (timer != NULL && iv__timer_key(timer) > queue->limit_ns)
			return NULL;
	} while (timer == NULL && advance(queue));

	if (timer != NULL)
		iv__timer_queue_remove(queue, timer);

	return timer;
}
