// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#define LIMIT(a) ((a) < 4 && \
		  (a) > 1)

struct range {
	u64 start;
	u64 size;
};

/* a < b in a comment is no operator. */
static const u32 table[] = { 1, 2, 3 };

static int range_check(struct range *range, u64 end)
{
	const char *name = "a < b && c";
	u64 *p = &range->start;
	int ret = 0;

	if (range->start + range->size > end || !range->size)
		return -EINVAL;

	if (WARN_ON(end == 0))
		return -EINVAL;

	drm_WARN_ON(range->dev, end <= range->start);
	lockdep_assert_held(&range->lock);
	pr_debug("%s: %d", name, ret + 1);

	ret = *p & (SZ_4K - 1) ? -1 : ret;
	range->start |= 1 << ret;
	return ret;
}
