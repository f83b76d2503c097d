import { fields, text } from '../api/narrow.ts';

/** What the extension keeps: who one is, who sees what one marks, and the sites it is off for. */
type Key = 'identity' | 'group' | 'off';

/** Content scripts must not read what is kept: where the browser can forbid it, it does. */
const closed = (async () => {
	await chrome.storage.local.setAccessLevel?.({ accessLevel: 'TRUSTED_CONTEXTS' });
})();

export async function recall(key: Key): Promise<unknown> {
	await closed;
	return (await chrome.storage.local.get(key))[key];
}

export async function keep(key: Key, value: unknown): Promise<void> {
	await closed;
	await chrome.storage.local.set({ [key]: value });
}

export async function forget(key: Key): Promise<void> {
	await chrome.storage.local.remove(key);
}

/** The address of the server that this extension was made for. */
export async function server(): Promise<string> {
	const response = await fetch(chrome.runtime.getURL('config.json'));
	return text(fields(await response.json(), 'config.json'), 'server');
}
