import type { Verdict } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import type { Account, Entry, Flag, Group, Highlight, PageEvent } from '../api/shapes.ts';
import type { Ink } from '../paint/inks.ts';
import type { Kept } from '../state/pending.ts';
import type { Besides } from '../ui/board.ts';
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
	/** On a page of the server's own; null: the person thought better of it. Where there is no way, it is not offered. */
	readonly signIn: (() => Promise<Account | null>) | null;
	/** Makes a change, which may bring a file. Null: the server does not answer, and the change is kept and sent when it does. */
	perform(operation: Operation, file?: Blob): Promise<PageEvent | null>;
	/** What is in a file. */
	readFile(url: string, id: string): Promise<Blob>;
	/** What the panel in the page has besides the highlights; null: the panel beside the page has that. */
	readonly besides: Besides | null;
	/** What only those do who read in groups. */
	readonly moderation: Moderation | null;
	/** A change that was refused is tried again, or forgotten. */
	settle(url: string, operation: string, again: boolean): void;
	listHistory(url: string, highlight: string): Promise<Entry[]>;
	keepDraft(url: string, key: string, draft: Draft | null): void;
}

/** What is asked of those who moderate a group, and what they do. */
export interface Moderation {
	flag(url: string, highlight: string, reason: string): Promise<unknown>;
	act(url: string, highlight: string, act: Verdict): Promise<unknown>;
	listFlags(group: string): Promise<Flag[]>;
}

/** Whether somebody with a role moderates. */
export function moderates(groups: readonly Group[], group: string): boolean {
	const { role } = groups.find(({ id }) => id === group) ?? { role: null };
	return group !== 'me' && (role === 'owner' || role === 'moderator');
}

/** Highlights of the whole page have no place on it: they stand in the order in which they were made. */
export function byTime(a: Highlight, b: Highlight): number {
	return a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);
}
