import { Problem } from '../api/client.ts';
import type { Account, Entry, Highlight } from '../api/shapes.ts';
import { isInk } from '../paint/inks.ts';
import type { Progress } from '../state/pending.ts';
import { count, formats, type Key, say } from './say.ts';

/** Why the server could not read a page, for what it says most. */
const reasons: Record<string, Key> = {
	status_401: 'whyLogin',
	status_403: 'whyLogin',
	status_404: 'whyMissing',
	timeout: 'whyTimeout',
	refused_address: 'whyPrivate',
	not_html: 'whyType',
	too_large: 'whySize',
	too_deep: 'whyDepth',
};

/** How a highlight stands: a small sign and a sentence. */
export function state(
	{ check, ranges, hidden }: Highlight,
	progress: Progress | null,
	here: boolean,
): { sign: string; words: string } {
	if (progress === 'sending') return { sign: '…', words: say('sending') };
	if (progress === 'waiting') return { sign: '◷', words: say('waiting') };
	if (hidden) return { sign: '⊘', words: say('hiddenByModerators') };
	if (!here && ranges.length > 0) return { sign: '✕', words: say('lost') };
	switch (check.state) {
		case 'pending':
			return { sign: '○', words: say('pending') };
		case 'verified':
			return { sign: '✓', words: say('verified') };
		case 'moved':
			return { sign: '↷', words: say('moved') };
		case 'orphaned':
			return { sign: '!', words: say('orphaned') };
		case 'unverifiable': {
			const why = reasons[check.reason];
			return { sign: '!', words: why ? say('unverifiableWhy', say(why)) : say('unverifiable') };
		}
	}
}

/** What a list says of a highlight that does not simply stand where it was marked. */
export function mark(highlight: Highlight, progress: Progress | null, here: boolean): string | null {
	if (progress === 'waiting') return `◷ ${say('waitingShort')}`;
	if (highlight.hidden) return `⊘ ${say('hiddenShort')}`;
	return here && highlight.check.state === 'moved' ? `↷ ${say('moved')}` : null;
}

const edited: Record<string, Key> = {
	note: 'historyNote',
	color: 'historyColor',
	tags: 'historyTags',
	group: 'historyGroup',
};

const found: Record<string, Key> = {
	verified: 'historyVerified',
	moved: 'historyMoved',
	orphaned: 'historyOrphaned',
	unverifiable: 'historyUnverifiable',
};

/** One thing that happened to a highlight, in a few words. */
export function happened({ kind, by, fields, state }: Entry): string {
	const who = by?.name ?? '';
	switch (kind) {
		case 'created':
			return say('historyCreated', who);
		case 'reanchored':
			return say('historyReanchored', who);
		case 'hidden':
			return say('historyHidden', who);
		case 'shown':
			return say('historyShown', who);
		case 'edited':
			return say('historyEdited', fields.map((field) => say(edited[field] ?? 'historyNote')).join(', '), who);
		case 'checked':
			return say(found[state ?? ''] ?? 'pending');
	}
}

/** What went wrong with a request, and what can be done: without the word of what was not done. */
export function failure(cause: unknown): string {
	if (!(cause instanceof Problem)) return say('noAnswer');
	switch (cause.code) {
		case 'unauthenticated':
		case 'bad_token':
			return say('unknownToken');
		case 'forbidden':
			return say('notAllowed');
		case 'not_found':
			return say('notFound');
		case 'stale_version':
			return say('stale');
		case 'too_many_requests':
			return cause.retryAfter ? say('tooManyUntil', cause.retryAfter) : say('tooMany');
		default:
			return sentence(cause.detail) || say('refusedByServer');
	}
}

/** Why a name was not taken over. */
export function against(name: string, cause: unknown): string {
	switch (cause instanceof Problem ? cause.code : '') {
		case 'name_taken':
			return say('nameTaken', name);
		case 'signup_closed':
		case 'invite_needed':
			return say('noNewNames');
		default:
			return failure(cause);
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
	if (seconds < 60) return say('now');
	if (seconds < 3600) return say('minutesAgo', Math.floor(seconds / 60));
	if (seconds < 86_400) return say('hoursAgo', Math.floor(seconds / 3600));
	if (seconds < 7 * 86_400) return count('daysAgo', Math.floor(seconds / 86_400));
	return formats().day.format(new Date(time));
}

/** The exact time, in the reader's own way of writing it. */
export function exactly(time: string): string {
	return formats().exact.format(new Date(time));
}

/** How an ink, or a color without a name, is called. */
export function nameOf(color: string): string {
	return isInk(color) ? say(color) : color;
}

/** A name, which one's own is said to be. */
export function called({ id, name }: Account, me: Account | null): string {
	return id === me?.id ? say('you', name) : name;
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
