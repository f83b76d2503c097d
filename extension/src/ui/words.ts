import { Problem } from '../api/client.ts';
import type { Highlight, Status } from '../api/shapes.ts';

/** Why the server could not read a page, for what it says most. */
const reasons: Record<string, string> = {
	status_401: 'it asks for a login',
	status_403: 'it asks for a login',
	status_404: 'it is not there',
	timeout: 'it did not answer in time',
	refused_address: 'nothing answers there on the public internet',
	not_html: 'it is not a web page',
	too_large: 'it is too large',
	too_deep: 'it is nested too deeply',
};

/** How a highlight stands: a small sign and a sentence. */
export function state({ check, ranges }: Highlight, saving: boolean, here: boolean): { sign: string; words: string } {
	if (saving) return { sign: '…', words: 'Being saved' };
	if (!here && ranges.length > 0) {
		return { sign: '✕', words: 'Lost its place: this text is not on the page now' };
	}
	switch (check.state) {
		case 'pending':
			return { sign: '○', words: 'Not checked yet' };
		case 'verified':
			return { sign: '✓', words: 'Checked: it stands in the page as marked' };
		case 'moved':
			return { sign: '↷', words: 'Moved with the text' };
		case 'orphaned':
			return { sign: '!', words: 'The server does not find this text in the page. The highlight is kept.' };
		case 'unverifiable': {
			const why = reasons[check.reason];
			return {
				sign: '!',
				words: `The server could not read this page${why ? ` (${why})` : ''}. The highlight is kept.`,
			};
		}
	}
}

export const statusWord: Record<Status, string> = { connecting: 'Connecting', live: 'Live', offline: 'Offline' };

/** What went wrong with a request, and what can be done: without the word of what was not done. */
export function failure(cause: unknown): string {
	if (!(cause instanceof Problem)) return 'The server does not answer.';
	switch (cause.status) {
		case 401:
			return 'The server does not know you any more. Try again to give a name.';
		case 403:
			return 'You may not do that here.';
		case 404:
			return 'It is no longer there.';
		case 429:
			return cause.retryAfter
				? `That was too much at once. Try again in ${cause.retryAfter} s.`
				: 'That was too much at once.';
		default:
			return sentence(cause.detail) || 'The server refused it.';
	}
}

function sentence(detail: string): string {
	const trimmed = detail.trim();
	if (!trimmed) return '';
	return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? '' : '.');
}

/** How long ago that was, in a word or two. */
export function ago(time: string, now: number = Date.now()): string {
	const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
	if (seconds < 60) return 'now';
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
	if (seconds < 7 * 86_400) return plural(Math.floor(seconds / 86_400), 'day', 'days', ' ago');
	return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** The exact time, in the reader's own way of writing it. */
export function exactly(time: string): string {
	return new Date(time).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'short' });
}

export function plural(count: number, one: string, many: string, after = ''): string {
	return `${count} ${count === 1 ? one : many}${after}`;
}

/** The letter or two that stand for a name in a dot. */
export function initials(name: string): string {
	const words = name.trim().split(/\s+/u);
	const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => first(word ?? ''));
	return letters.join('').toLocaleUpperCase();
}

function first(word: string): string {
	const segment = new Intl.Segmenter().segment(word)[Symbol.iterator]().next();
	return segment.done ? '' : segment.value.segment;
}
