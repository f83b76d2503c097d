import { expect, test } from 'vitest';
import type { Change, Operation } from '../../src/api/operations.ts';
import { outcome } from '../../src/api/operations.ts';
import type { Highlight, NewHighlight } from '../../src/api/shapes.ts';
import { PageState } from '../../src/state/page.ts';
import { type Kept, Pending } from '../../src/state/pending.ts';

const ada = { id: 'a', name: 'Ada' };
const url = 'https://example.org/';
const wanted: NewHighlight = { id: 'new', url, title: '', group: 'me', ranges: [], color: 'blue', note: '', tags: [] };

function stored(id: string, note = ''): Highlight {
	const page = { id: 'p', url, title: '' };
	const check = { state: 'verified', reason: '', ranges: null } as const;
	const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };
	return {
		...wanted,
		id,
		note,
		page,
		author: ada,
		replies: 0,
		attachments: [],
		hidden: false,
		check,
		seq: 1,
		version: 1,
		...times,
	};
}

let made = 0;
function operation(change: Change): Operation {
	return { id: `o${++made}`, url, at: '2026-01-02T00:00:00Z', change };
}

const kept = (change: Change, refused: Kept['refused'] = null): Kept => ({ operation: operation(change), refused });

function pageWith(...highlights: Highlight[]): PageState {
	const page = new PageState();
	for (const highlight of highlights) page.apply({ type: 'highlight', highlight });
	return page;
}

test('changes are laid over the page in the order in which they were made', () => {
	const page = pageWith(stored('h', 'before'));
	const pending = new Pending();
	pending.keep([
		kept({ kind: 'create', highlight: wanted }),
		kept({ kind: 'edit', highlight: 'new', edit: { color: 'green' } }),
		kept({ kind: 'edit', highlight: 'h', edit: { note: 'after' } }),
		kept({ kind: 'reply', reply: { id: 'r', highlight: 'h', note: 'well' } }),
	]);
	expect(pending.highlights(page, ada).map(({ id, note, color }) => [id, note, color])).toEqual([
		['h', 'after', 'blue'],
		['new', '', 'green'],
	]);
	expect(pending.replies(page, 'h', ada)).toMatchObject([{ note: 'well', author: ada, version: 0 }]);
	expect([pending.progress('h'), pending.progress('new'), pending.waiting]).toEqual(['waiting', 'waiting', 4]);
	expect(page.highlights.get('h')?.note).toBe('before');
});

test('what was deleted is shown no more, until the deletion is given up', () => {
	const page = pageWith(stored('h'));
	const pending = new Pending();
	const deletion = operation({ kind: 'delete', highlight: 'h' });
	pending.begin(deletion);
	expect(pending.highlight(page, 'h', ada)).toBeNull();
	pending.end(deletion);
	expect(pending.highlight(page, 'h', ada)?.id).toBe('h');
});

test('what was refused is not shown as done, but a new highlight is nowhere else', () => {
	const page = pageWith(stored('h', 'theirs'));
	const pending = new Pending();
	const refused = { code: 'stale_version', detail: '' };
	pending.keep([
		kept({ kind: 'edit', highlight: 'h', edit: { note: 'mine' } }, refused),
		kept({ kind: 'create', highlight: wanted }, refused),
	]);
	expect(pending.highlight(page, 'h', ada)?.note).toBe('theirs');
	expect(pending.highlight(page, 'new', ada)?.id).toBe('new');
	expect([pending.progress('h'), pending.waiting, pending.refused('h').length]).toEqual(['refused', 0, 1]);
});

test('once it is there, what was made is what the server has', () => {
	const page = pageWith();
	const pending = new Pending();
	const creation = operation({ kind: 'create', highlight: wanted });
	pending.wait(creation);
	page.apply({ type: 'highlight', highlight: stored('new', 'as stored') });
	expect(pending.highlight(page, 'new', ada)).toMatchObject({ note: 'as stored', version: 1 });
	expect([...pending.keep([])]).toEqual(['new']);
	expect(pending.progress('new')).toBeNull();
});

test('an answer without a body says that it is gone', () => {
	expect(outcome({ kind: 'edit', highlight: 'h', edit: {} }, null)).toEqual({
		type: 'removed',
		id: 'h',
		kind: 'highlight',
	});
	expect(outcome({ kind: 'reply', reply: { id: 'r', highlight: 'h', note: '' } }, null)).toEqual({
		type: 'removed',
		id: 'r',
		kind: 'reply',
	});
});

test('files that are not sent yet are shown with those that are, and a file that goes is not', () => {
	const page = new PageState();
	page.apply({ type: 'highlight', highlight: stored('h') });
	const file = (id: string) => ({ id, name: `${id}.png`, type: 'image/png', size: 1 });
	page.apply({ type: 'attachment', highlight: 'h', reply: null, file: file('old'), gone: false });
	const pending = new Pending();
	pending.keep([
		kept({ kind: 'attach', highlight: 'h', reply: null, file: file('new') }),
		kept({ kind: 'detach', highlight: 'h', reply: null, file: file('old') }),
	]);
	expect(pending.highlight(page, 'h', ada)?.attachments).toEqual([file('new')]);
	expect(pending.files('h')).toEqual(new Map([['new', 'waiting']]));
	pending.keep([]);
	expect(pending.highlight(page, 'h', ada)?.attachments).toEqual([file('old')]);
});
