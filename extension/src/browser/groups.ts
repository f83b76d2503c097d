import type { Group } from '../api/shapes.ts';
import { say } from '../ui/say.ts';

/** Everybody and oneself are no groups of the server's, but may see a highlight as groups do. */
export function withOwn(groups: readonly Group[]): Group[] {
	return [
		{ id: 'public', name: say('everybody'), role: 'member' },
		{ id: 'me', name: say('onlyMe'), role: 'owner' },
		...groups,
	];
}

/** The groups that one may write for. */
export function writable(groups: readonly Group[]): Group[] {
	return withOwn(groups).filter(({ role }) => role !== null && role !== 'reader');
}

/** The code in a link of an invitation: its fragment, which no server is told by itself. */
export function codeOf(link: string): string {
	return URL.canParse(link) ? new URL(link).hash.slice(1) : '';
}
