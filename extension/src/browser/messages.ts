import { Problem, Unreachable } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import type { Account, Entry, PageEvent } from '../api/shapes.ts';
import type { Ink } from '../paint/inks.ts';
import type { ReaderEvent } from '../reader/remote.ts';
import type { Draft } from '../ui/composer.ts';

/** What a site's content script has to know before it begins. */
export interface Settings {
	server: string;
	account: Account | null;
	/** Who sees what is marked next, and its ink. */
	group: string;
	ink: Ink;
	/** Whether limn is on for this site. */
	on: boolean;
}

/** What a content script or the popup may ask of the background, and what it is answered. */
export interface Asks {
	settings: { asked: { origin: string }; answered: Settings };
	watch: { asked: { url: string }; answered: null };
	leave: { asked: { url: string }; answered: null };
	group: { asked: { group: string }; answered: null };
	signUp: { asked: { name: string }; answered: Account };
	perform: { asked: Operation; answered: PageEvent | null };
	history: { asked: { url: string; highlight: string }; answered: Entry[] };
	ink: { asked: { ink: Ink }; answered: null };
	draft: { asked: { url: string; key: string; draft: Draft | null }; answered: null };
	/** From the popup only. */
	site: { asked: { origin: string; on: boolean }; answered: null };
}

export type Ask = { [K in keyof Asks]: { ask: K; with: Asks[K]['asked'] } }[keyof Asks];

/** What the background tells a content script. */
export type Tell =
	| { tell: 'events'; url: string; events: ReaderEvent[] }
	| { tell: 'settings' } // they changed: ask for them
	| { tell: 'again' } // the background began anew: say again what is watched
	| { tell: 'state' }; // the popup wants to know how it stands

/** How it stands on a page, for the popup. */
export interface State {
	status: 'connecting' | 'live' | 'offline';
	highlights: number;
}

/** What Chrome's worker tells the offscreen document, which holds the stream. */
export type ToHub =
	| { hub: 'watch'; server: string; token: string | null; tab: number; url: string }
	| { hub: 'leave'; tab: number; url: string | null }
	| { hub: 'restart'; token: string | null }
	| { hub: 'tell'; url: string; events: PageEvent[] }
	| { hub: 'nudge' };

/** What the offscreen document tells the worker. */
export type FromHub = { to: number; url: string; events: ReaderEvent[] } | { refused: true };

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
	throw new Unreachable(answer?.unreachable ?? 'the background did not answer');
}

/** Asks the background. */
export async function ask<K extends keyof Asks>(name: K, asked: Asks[K]['asked']): Promise<Asks[K]['answered']> {
	const answer: unknown = await chrome.runtime.sendMessage({ ask: name, with: asked });
	return unwrap(answer as Answer | undefined) as Asks[K]['answered'];
}
