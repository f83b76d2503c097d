import type { ReaderEvent } from '../reader/remote.ts';
import type { Draft } from '../ui/composer.ts';
import { forget, keep, recall } from './settings.ts';

/** What was typed on pages and not sent, so that neither a reload nor the end of the browser loses it. */

let last: Promise<void> = Promise.resolve();

/** Keeps or forgets a draft, one after the other: each change reads what the one before has written. */
export function keepDraft({ url, key, draft }: { url: string; key: string; draft: Draft | null }): Promise<void> {
	last = last
		.catch(() => {})
		.then(async () => {
			const drafts = await read(url);
			if (draft) drafts[key] = draft;
			else delete drafts[key];
			await (Object.keys(drafts).length > 0 ? keep(`drafts ${url}`, drafts) : forget(`drafts ${url}`));
		});
	return last;
}

export async function draftsOf(url: string): Promise<ReaderEvent> {
	await last.catch(() => {});
	return { type: 'drafts', drafts: await read(url) };
}

async function read(url: string): Promise<Record<string, Draft>> {
	return ((await recall(`drafts ${url}`)) ?? {}) as Record<string, Draft>;
}
