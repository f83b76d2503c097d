import type { WireRange } from '../anchor/index.ts';
import * as shapes from './shapes.ts';

/** One change that somebody makes to a page. A version is the one that was on the screen: if it is not the last, it is refused. */
export type Change =
	| { kind: 'create'; highlight: shapes.NewHighlight }
	| { kind: 'edit'; highlight: string; edit: shapes.HighlightEdit; version?: number }
	| { kind: 'reanchor'; highlight: string; ranges: WireRange[]; version?: number }
	| { kind: 'delete'; highlight: string }
	| { kind: 'reply'; reply: shapes.NewReply }
	| { kind: 'deleteReply'; highlight: string; reply: string }
	| FileChange;

/** A file comes onto a highlight, or onto a reply to it, or goes. */
export interface FileChange {
	kind: 'attach' | 'detach';
	highlight: string;
	reply: string | null;
	file: shapes.Attachment;
}

/** Whether it is one of a file: these are requests of their own, which POST /operations does not take. */
export function isFileChange(change: Change): change is FileChange {
	return change.kind === 'attach' || change.kind === 'detach';
}

/** A change on its way to the server. */
export interface Operation {
	/** A UUIDv7: what is asked twice under it is done once. */
	id: string;
	/** The page that it changes. */
	url: string;
	/** When it was made. */
	at: string;
	change: Change;
}

/** The highlight that a change is of, or stands under. */
export function subject(change: Change): string {
	if (change.kind === 'create') return change.highlight.id;
	return change.kind === 'reply' ? change.reply.highlight : change.highlight;
}

/** What a change asks of the server. */
export interface Wanted {
	method: string;
	path: string;
	body?: unknown;
	version?: number;
}

export function wanted(change: Change): Wanted {
	const versioned = 'version' in change && change.version !== undefined ? { version: change.version } : {};
	switch (change.kind) {
		case 'create':
			return { method: 'POST', path: '/highlights', body: change.highlight };
		case 'edit':
			return { method: 'PATCH', path: `/highlights/${change.highlight}`, body: change.edit, ...versioned };
		case 'reanchor': {
			const body = { ranges: change.ranges };
			return { method: 'POST', path: `/highlights/${change.highlight}/reanchor`, body, ...versioned };
		}
		case 'delete':
			return { method: 'DELETE', path: `/highlights/${change.highlight}` };
		case 'reply': {
			const { id, highlight, note } = change.reply;
			return { method: 'POST', path: `/highlights/${highlight}/replies`, body: { id, note } };
		}
		case 'deleteReply':
			return { method: 'DELETE', path: `/replies/${change.reply}` };
		case 'attach': {
			const { reply, highlight, file } = change;
			const on = reply === null ? `/highlights/${highlight}` : `/replies/${reply}`;
			return { method: 'POST', path: `${on}/attachments?${new URLSearchParams({ id: file.id, name: file.name })}` };
		}
		case 'detach':
			return { method: 'DELETE', path: `/attachments/${change.file.id}` };
	}
}

/** What the server's answer to a change means for its page. No answer: what was changed is gone. */
export function outcome(change: Change, answer: unknown): shapes.PageEvent {
	if (isFileChange(change)) {
		const { highlight, reply, file, kind } = change;
		const gone = kind === 'detach';
		return { type: 'attachment', highlight, reply, file: gone ? file : shapes.attachment(answer), gone };
	}
	const reply = change.kind === 'reply' ? change.reply.id : change.kind === 'deleteReply' ? change.reply : null;
	if (answer === null) {
		return reply === null
			? { type: 'removed', id: subject(change), kind: 'highlight' }
			: { type: 'removed', id: reply, kind: 'reply' };
	}
	return reply === null
		? { type: 'highlight', highlight: shapes.highlight(answer) }
		: { type: 'reply', reply: shapes.reply(answer) };
}
