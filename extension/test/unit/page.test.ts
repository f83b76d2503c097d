import { expect, test } from 'vitest';
import type { Highlight, PageEvent, Reply } from '../../src/api/shapes.ts';
import { PageState } from '../../src/state/page.ts';

const ada = { id: 'a', name: 'Ada' };
const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };

function highlight(id: string, seq: number, note = ''): PageEvent {
	const highlight: Highlight = {
		id,
		seq,
		note,
		page: { id: 'p', url: 'https://example.org/', title: '' },
		group: 'public',
		author: ada,
		ranges: [],
		color: 'yellow',
		tags: [],
		replies: 0,
		attachments: [],
		hidden: false,
		check: { state: 'pending', reason: '', ranges: null },
		version: 1,
		...times,
	};
	return { type: 'highlight', highlight };
}

function reply(id: string, to: string, seq: number): PageEvent {
	const reply: Reply = { id, highlight: to, author: ada, note: id, attachments: [], seq, version: 1, ...times };
	return { type: 'reply', reply };
}

function after(...events: PageEvent[]): PageState {
	const page = new PageState();
	for (const event of events) page.apply(event);
	return page;
}

const held = (page: PageState) => [...page.highlights.values()].map(({ id, note }) => id + note);

test('the latest change takes the place of the one before', () => {
	expect(held(after(highlight('h', 1), highlight('h', 2, '!')))).toEqual(['h!']);
});

test('an answer that comes after a later change does not undo it', () => {
	expect(held(after(highlight('h', 2, '!'), highlight('h', 1)))).toEqual(['h!']);
	expect(held(after(highlight('h', 1), { type: 'removed', id: 'h', kind: 'highlight' }, highlight('h', 1)))).toEqual(
		[],
	);
});

test('what is shared again after it was removed comes back', () => {
	const removed: PageEvent = { type: 'removed', id: 'h', kind: 'highlight' };
	expect(held(after(highlight('h', 1), removed, highlight('h', 3)))).toEqual(['h']);
});

test('a reply may come before its highlight, and goes with it', () => {
	const page = after(reply('r', 'h', 1), highlight('h', 2));
	expect(page.repliesTo('h').map(({ id }) => id)).toEqual(['r']);
	page.apply({ type: 'removed', id: 'h', kind: 'highlight' });
	expect(page.repliesTo('h')).toEqual([]);
});

test('after a resync, what is not sent again is gone, and only once all was sent', () => {
	const page = after(highlight('a', 5), highlight('b', 6), reply('r', 'b', 7), { type: 'resync' });
	expect(held(page)).toEqual(['a', 'b']);
	page.apply(highlight('b', 1, ' again')); // a restored backup counts from a lower number
	page.apply({ type: 'live' });
	expect(held(page)).toEqual(['b again']);
	expect(page.repliesTo('b')).toEqual([]);
});

test('a snapshot makes another state the same', () => {
	const page = after(highlight('a', 1), reply('r', 'a', 2), { type: 'live' });
	page.apply({ type: 'presence', presence: { viewers: [ada], anonymous: 2, news: [] } });
	expect(after(highlight('old', 9), ...page.snapshot())).toMatchObject({
		highlights: page.highlights,
		presence: page.presence,
		status: 'live',
	});
	expect(held(after(highlight('old', 9), ...page.snapshot()))).toEqual(['a']);
});
