import { Problem, Unreachable, type Verdict } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import type { Account, Entry, Flag, Group, PageEvent, Status } from '../api/shapes.ts';
import type { Ink } from '../paint/inks.ts';
import type { ReaderEvent } from '../reader/remote.ts';
import type { Kept } from '../state/pending.ts';
import type { Draft } from '../ui/composer.ts';

/** What a site's content script has to know before it begins. */
export interface Settings {
	server: string;
	account: Account | null;
	/** The groups that one is in. */
	groups: readonly Group[];
	/** Who sees what is marked next, and its ink. */
	group: string;
	ink: Ink;
	/** Whether limn is on for this site. */
	on: boolean;
}

/** On which sites limn is on: those that were chosen, and whether all others are. */
export interface Sites {
	everywhere: boolean;
	chosen: Record<string, boolean>;
}

/** What a content script or a page of the extension may ask of the background, and what it is answered. */
export interface Asks {
	settings: { asked: { origin: string }; answered: Settings };
	watch: { asked: { url: string }; answered: null };
	leave: { asked: { url: string }; answered: null };
	group: { asked: { group: string }; answered: null };
	ink: { asked: { ink: Ink }; answered: null };
	signUp: { asked: { name: string }; answered: Account };
	perform: { asked: Operation; answered: PageEvent | null };
	/** A change that brings a file, in base64: messages hold no bytes in Chrome. */
	attach: { asked: { url: string; operation: Operation; bytes: string }; answered: PageEvent | null };
	file: { asked: { url: string; id: string }; answered: string };
	flag: { asked: { url: string; highlight: string; reason: string }; answered: null };
	moderate: { asked: { url: string; highlight: string; act: Verdict }; answered: null };
	flags: { asked: { group: string }; answered: Flag[] };
	/** On a page of the server's own. Null: the person thought better of it. */
	signIn: { asked: Record<string, never>; answered: Account | null };
	kept: { asked: { url: string }; answered: readonly Kept[] };
	settle: { asked: { url: string; operation: string; again: boolean }; answered: null };
	history: { asked: { url: string; highlight: string }; answered: Entry[] };
	draft: { asked: { url: string; key: string; draft: Draft | null }; answered: null };
	/** Whether a page has highlights, without the server learning which page. */
	near: { asked: { url: string }; answered: boolean };
	/** From the extension's own pages only. */
	signOut: { asked: Record<string, never>; answered: null };
	/** Null: as on all other sites. */
	site: { asked: { origin: string; on: boolean | null }; answered: null };
	everywhere: { asked: { on: boolean }; answered: null };
	sites: { asked: Record<string, never>; answered: Sites };
	groups: { asked: Record<string, never>; answered: readonly Group[] };
	createGroup: { asked: { name: string }; answered: Group };
	joinGroup: { asked: { code: string }; answered: Group };
	invite: { asked: { group: string }; answered: string };
}

/** What pages of others are not answered. */
export const ownAsks: ReadonlySet<keyof Asks> = new Set([
	'signOut',
	'site',
	'everywhere',
	'sites',
	'groups',
	'createGroup',
	'joinGroup',
	'invite',
]);

export type Ask = { [K in keyof Asks]: { ask: K; with: Asks[K]['asked'] } }[keyof Asks];

/** What the background tells a content script. */
export type Tell =
	| { tell: 'events'; url: string; events: ReaderEvent[] }
	| { tell: 'settings' } // they changed: ask for them
	| { tell: 'again' } // the background began anew: say again what is watched
	| { tell: 'kept' } // what is kept for some page changed: ask for it
	| { tell: 'mark' } // the selection is to be highlighted
	| { tell: 'state' }; // the popup wants to know how it stands

/** How it stands on a page, for the popup. */
export interface State {
	/** Null: limn is off here. */
	status: Status | null;
	highlights: number;
	/** Whether there are highlights, where limn is off. */
	near: boolean;
	/** A document that limn does not read, such as a PDF. */
	unreadable: boolean;
}

/** A frame of a tab, as a key: the page that a tab shows may have others in it. */
export type Frame = string;

export function frameOf(tab: number, frame: number): Frame {
	return `${tab} ${frame}`;
}

export function partsOf(frame: Frame): { tab: number; frameId: number } {
	const [tab = 0, frameId = 0] = frame.split(' ').map(Number);
	return { tab, frameId };
}

/** What Chrome's worker tells the offscreen document, which holds the stream. */
export type ToHub =
	| { hub: 'watch'; server: string; token: string | null; frame: Frame; url: string }
	| { hub: 'leave'; frame: Frame; url: string | null }
	| { hub: 'close'; tab: number }
	| { hub: 'restart'; token: string | null; anyway: boolean }
	| { hub: 'tell'; url: string; events: PageEvent[] }
	| { hub: 'nudge' }
	/** To be answered when it is sent. */
	| { hub: 'upload'; server: string; token: string; operation: Operation };

/** What the offscreen document tells the worker. */
export type FromHub = { to: Frame; url: string; events: ReaderEvent[] } | { refused: true };

/** An answer on its way through a message: errors do not survive one by themselves. */
export type Answer =
	| { ok: unknown }
	| { problem: { status: number; code: string; detail: string; retryAfter: number | null } }
	| { unreachable: string };

export function wrap(cause: unknown): Answer {
	if (cause instanceof Problem) {
		const { status, code, detail, retryAfter } = cause;
		return { problem: { status, code, detail, retryAfter } };
	}
	return { unreachable: String(cause) };
}

/** The answer, or the error that it stands for. */
export function unwrap(answer: Answer | undefined): unknown {
	if (answer && 'ok' in answer) return answer.ok;
	if (answer && 'problem' in answer) {
		const { status, code, detail, retryAfter } = answer.problem;
		throw new Problem(status, code, detail, retryAfter);
	}
	if (!answer) throw new Error('the background was ended before it answered');
	throw new Unreachable(answer.unreachable);
}

/** Asks the background. */
export async function ask<K extends keyof Asks>(name: K, asked: Asks[K]['asked']): Promise<Asks[K]['answered']> {
	const answer: unknown = await chrome.runtime.sendMessage({ ask: name, with: asked });
	return unwrap(answer as Answer | undefined) as Asks[K]['answered'];
}

/** A file as a message holds it. */
export async function toBase64(file: Blob): Promise<string> {
	const reader = new FileReader();
	await new Promise((read, failed) => {
		reader.onload = read;
		reader.onerror = failed;
		reader.readAsDataURL(file);
	});
	return String(reader.result).replace(/^.*,/, '');
}

export function fromBase64(text: string): Blob {
	return new Blob([Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0))]);
}
