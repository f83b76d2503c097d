import type { Operation } from '../api/operations.ts';
import type { Account, Entry, Group, Highlight, PageEvent } from '../api/shapes.ts';
import type { Ink } from '../paint/inks.ts';
import type { Kept } from '../state/pending.ts';
import type { Draft } from '../ui/composer.ts';

/**
 * What happens to a reader besides the page: who one is, how one marks, and what one has done or typed that the
 * server does not have.
 */
export type ReaderEvent =
	| PageEvent
	| { type: 'account'; account: Account | null }
	| { type: 'group'; group: string }
	| { type: 'ink'; ink: Ink }
	| { type: 'kept'; kept: readonly Kept[] }
	| { type: 'drafts'; drafts: Readonly<Record<string, Draft>> };

/**
 * The server, as a page's reader needs it. embed.js asks it directly; the extension's content script never does,
 * it sends messages to where the token is. Every request fails with a Problem or with Unreachable.
 */
export interface Remote {
	/** Where links to highlights lead. */
	readonly server: string;
	/** Who may be chosen to see a highlight, now. One: there is no choice. */
	readonly groups: readonly Group[];
	/** Whether this is a frame in a page that is read, too: then that one says how it stands. */
	readonly framed: boolean;
	watch(url: string, listen: (event: ReaderEvent) => void, signal: AbortSignal): void;
	chooseGroup(group: string): void;
	chooseInk(ink: Ink): void;
	signUp(name: string): Promise<Account>;
	/** Makes a change. Null: the server does not answer, and the change is kept and sent when it does. */
	perform(operation: Operation): Promise<PageEvent | null>;
	/** A change that was refused is tried again, or forgotten. */
	settle(url: string, operation: string, again: boolean): void;
	listHistory(url: string, highlight: string): Promise<Entry[]>;
	keepDraft(url: string, key: string, draft: Draft | null): void;
}

/** Highlights of the whole page have no place on it: they stand in the order in which they were made. */
export function byTime(a: Highlight, b: Highlight): number {
	return a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);
}
