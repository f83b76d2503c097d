import type { WireLandmarks, WireRange } from '../anchor/index.ts';
import { type Fields, fields, list, number, ShapeError, text } from './narrow.ts';

export interface Account {
	id: string;
	name: string;
}

/** Who can see a highlight: everybody, oneself, or a group's members. */
export interface Group {
	id: string;
	name: string;
	/** What one may do in it; null: one is no member. */
	role: string | null;
}

export type CheckState = 'pending' | 'verified' | 'moved' | 'orphaned' | 'unverifiable';

export interface Check {
	state: CheckState;
	reason: string;
	/** Where the quotes stand now, when moved. */
	ranges: WireRange[] | null;
}

export interface Highlight {
	id: string;
	page: { id: string; url: string; title: string };
	group: string;
	author: Account;
	ranges: WireRange[];
	color: string;
	note: string;
	tags: string[];
	replies: number;
	check: Check;
	seq: number;
	version: number;
	created_at: string;
	updated_at: string;
}

export interface Reply {
	id: string;
	highlight: string;
	author: Account;
	note: string;
	seq: number;
	version: number;
	created_at: string;
	updated_at: string;
}

/** What it takes to make a highlight. */
export interface NewHighlight {
	id: string;
	url: string;
	title: string;
	group: string;
	ranges: WireRange[];
	color: string;
	note: string;
	tags: string[];
}

export interface HighlightEdit {
	color?: string;
	note?: string;
	tags?: string[];
	group?: string;
}

export interface NewReply {
	id: string;
	highlight: string;
	note: string;
}

const entryKinds = ['created', 'edited', 'checked', 'reanchored', 'hidden', 'shown'] as const;

/** One thing that happened to a highlight. */
export interface Entry {
	at: string;
	kind: (typeof entryKinds)[number];
	/** Null: the server, which looked at the page. */
	by: Account | null;
	/** What was edited. */
	fields: string[];
	/** What was found when it was checked. */
	state: CheckState | null;
}

/** Who reads a page: those with a name, and how many others. */
export interface Presence {
	viewers: Account[];
	anonymous: number;
	/** Who came, went or took another name since the time before. */
	news: { kind: 'joined' | 'left' | 'renamed'; account: Account; was: string }[];
}

/** How it stands with the server: never yet reached, in step with it, or out of reach. */
export type Status = 'connecting' | 'live' | 'offline';

/** What happens to a page, as its readers are told. */
export type PageEvent =
	| { type: 'highlight'; highlight: Highlight }
	| { type: 'reply'; reply: Reply }
	| { type: 'removed'; id: string; kind: 'highlight' | 'reply' }
	| { type: 'live' }
	| { type: 'resync' }
	| { type: 'presence'; presence: Presence }
	| { type: 'status'; status: Status };

export function account(value: unknown): Account {
	const f = fields(value, 'account');
	return { id: text(f, 'id'), name: text(f, 'name') };
}

export function group(value: unknown): Group {
	const f = fields(value, 'group');
	return { id: text(f, 'id'), name: text(f, 'name'), role: f.role === null ? null : text(f, 'role') };
}

export function highlight(value: unknown): Highlight {
	const f = fields(value, 'highlight');
	const page = fields(f.page, 'page');
	return {
		id: text(f, 'id'),
		page: { id: text(page, 'id'), url: text(page, 'url'), title: text(page, 'title') },
		group: text(f, 'group'),
		author: account(f.author),
		ranges: list(f.ranges, 'ranges', range),
		color: text(f, 'color'),
		note: text(f, 'note'),
		tags: list(f.tags, 'tags', String),
		replies: number(f, 'replies'),
		check: check(f.check),
		...change(f),
	};
}

export function reply(value: unknown): Reply {
	const f = fields(value, 'reply');
	return {
		id: text(f, 'id'),
		highlight: text(f, 'highlight'),
		author: account(f.author),
		note: text(f, 'note'),
		...change(f),
	};
}

export function entry(value: unknown): Entry {
	const f = fields(value, 'entry');
	const kind = entryKinds.find((known) => known === f.kind);
	if (!kind) throw new ShapeError(`${text(f, 'kind')} is no entry of a history`);
	const state = f.state === null ? null : text(f, 'state');
	if (state !== null && !isCheckState(state)) throw new ShapeError(`${state} is no state of a check`);
	return {
		at: text(f, 'at'),
		kind,
		by: f.by === null ? null : account(f.by),
		fields: list(f.fields, 'fields', String),
		state,
	};
}

export function presence(value: unknown): Presence {
	const f = fields(value, 'presence');
	const news = (['joined', 'left', 'renamed'] as const).flatMap((kind) =>
		list(f[kind] ?? [], kind, (item) => {
			const was = kind === 'renamed' ? text(fields(item, kind), 'was') : '';
			return { kind, account: account(item), was };
		}),
	);
	return { viewers: list(f.viewers, 'viewers', account), anonymous: number(f, 'anonymous'), news };
}

function change(f: Fields) {
	return {
		seq: number(f, 'seq'),
		version: number(f, 'version'),
		created_at: text(f, 'created_at'),
		updated_at: text(f, 'updated_at'),
	};
}

function check(value: unknown): Check {
	const f = fields(value, 'check');
	const state = text(f, 'state');
	if (!isCheckState(state)) throw new ShapeError(`${state} is no state of a check`);
	return { state, reason: text(f, 'reason'), ranges: f.ranges ? list(f.ranges, 'ranges', range) : null };
}

function isCheckState(state: string): state is CheckState {
	return ['pending', 'verified', 'moved', 'orphaned', 'unverifiable'].includes(state);
}

function range(value: unknown): WireRange {
	const f = fields(value, 'range');
	const wire: WireRange = { anchor: point(f.anchor), focus: point(f.focus) };
	if (f.quote) {
		const quote = fields(f.quote, 'quote');
		wire.quote = { exact: text(quote, 'exact'), prefix: text(quote, 'prefix'), suffix: text(quote, 'suffix') };
	}
	if (f.position) {
		const position = fields(f.position, 'position');
		wire.position = { start: number(position, 'start'), end: number(position, 'end') };
	}
	if (f.landmarks) wire.landmarks = landmarks(fields(f.landmarks, 'landmarks'));
	return wire;
}

function landmarks(f: Record<string, unknown>): WireLandmarks {
	const numbers = (g: Record<string, unknown>, name: string) => list(g[name], name, (n) => number({ n }, 'n'));
	const wire: WireLandmarks = { before: numbers(f, 'before'), after: numbers(f, 'after') };
	if (f.twins) {
		const twins = fields(f.twins, 'twins');
		wire.twins = { before: numbers(twins, 'before'), after: numbers(twins, 'after'), alike: twins.alike === true };
	}
	return wire;
}

function point(value: unknown) {
	const f = fields(value, 'point');
	return { xpath: text(f, 'xpath'), offset: number(f, 'offset') };
}
