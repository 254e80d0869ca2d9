// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

void visit(struct list *list, struct item *item)
{
	struct entry *entry;
	bool found = false;

	list_for_each_entry(entry, list, node) {
		if (entry == item->entry) {
			found = true;
			break;
		}
		if (!entry->used)
			continue;
		visit_one(entry,
			  item);
	}

	do {
		item->count--;
	} while (item->count > 2);

	switch (item->kind) {
	case KIND_A:
		goto out;
	default:
		break;
	}

	if (!found)
		return;

	for (unsigned int i = 0; i < item->count; i++)
		visit_one(NULL, &item[i]);

out:
	unlock(list);
}
