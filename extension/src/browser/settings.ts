import { fields, text } from '../api/narrow.ts';
import type { Sites } from './messages.ts';

/** What the extension keeps: who one is, how one marks, the sites it is on for, and what is typed on a page. */
type Key = 'identity' | 'group' | 'groups' | 'ink' | 'sites' | `drafts ${string}`;

/** Content scripts must not read what is kept: where the browser can forbid it, it does. */
const closed = (async () => {
	await chrome.storage.local.setAccessLevel?.({ accessLevel: 'TRUSTED_CONTEXTS' });
})();

export async function recall(key: Key): Promise<unknown> {
	await closed;
	return (await chrome.storage.local.get<Record<string, unknown>>(key))[key];
}

export async function keep(key: Key, value: unknown): Promise<void> {
	await closed;
	await chrome.storage.local.set({ [key]: value });
}

export async function forget(key: Key): Promise<void> {
	await chrome.storage.local.remove<Record<string, unknown>>(key);
}

/** The address of the server that this extension was made for. */
export async function server(): Promise<string> {
	const response = await fetch(chrome.runtime.getURL('config.json'));
	return text(fields(await response.json(), 'config.json'), 'server');
}

/** On which sites limn is on: by default on none, until one turns it on. */
export async function sites(): Promise<Sites> {
	return ((await recall('sites')) as Sites | undefined) ?? { everywhere: false, chosen: {} };
}

export function isOn({ everywhere, chosen }: Sites, origin: string): boolean {
	return chosen[origin] ?? everywhere;
}
