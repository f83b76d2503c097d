import type { Account, Highlight, HighlightEdit, NewHighlight, NewReply, PageEvent, Reply } from '../api/shapes.ts';
import type { Group } from '../ui/bar.ts';

/** What happens to a reader besides the page: who one is, and who is to see what one marks. */
export type ReaderEvent = PageEvent | { type: 'account'; account: Account | null } | { type: 'group'; group: string };

/**
 * The server, as a page's reader needs it. embed.js asks it directly; the extension's content script never does,
 * it sends messages to where the token is. Every request fails with a Problem or with Unreachable.
 */
export interface Remote {
	/** Where links to highlights lead. */
	readonly server: string;
	/** Who may be chosen to see a highlight. One: there is no choice. */
	readonly groups: readonly Group[];
	watch(url: string, listen: (event: ReaderEvent) => void, signal: AbortSignal): void;
	chooseGroup(group: string): void;
	signUp(name: string): Promise<Account>;
	createHighlight(highlight: NewHighlight): Promise<Highlight>;
	updateHighlight(url: string, id: string, edit: HighlightEdit): Promise<Highlight>;
	deleteHighlight(url: string, id: string): Promise<void>;
	createReply(url: string, reply: NewReply): Promise<Reply>;
	deleteReply(url: string, id: string): Promise<void>;
}
