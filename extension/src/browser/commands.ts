import { say } from '../ui/say.ts';
import { tellAll } from './backend.ts';
import type { Tell } from './messages.ts';
import { openSide } from './page.ts';
import { isOn, keep, sites } from './settings.ts';

/** Listens to the keyboard command and the context menu, and to the first start. */
export function listenToCommands(): void {
	chrome.runtime.onInstalled.addListener(({ reason }) => {
		chrome.contextMenus.removeAll(() => {
			chrome.contextMenus.create({ id: 'mark', title: say('highlightSelection'), contexts: ['selection'] });
		});
		if (reason === 'install') void chrome.runtime.openOptionsPage();
	});
	chrome.contextMenus.onClicked.addListener((info, tab) => {
		if (tab?.id !== undefined) void mark(tab.id, info.pageUrl, info.frameId);
	});
	chrome.commands.onCommand.addListener((command, tab) => {
		if (command === 'mark' && tab?.id !== undefined) void mark(tab.id, tab.url);
		if (command === 'side' && tab?.id !== undefined) openSide(tab.windowId, tab.id);
	});
}

/**
 * Has what is selected in a tab highlighted. On a site where limn is off it is turned on, for the highlight names the
 * page to the server anyway.
 */
async function mark(tab: number, url: string | undefined, frameId?: number): Promise<void> {
	const origin = url && URL.canParse(url) ? new URL(url).origin : null;
	const all = await sites();
	if (origin !== null && !isOn(all, origin)) {
		await keep('sites', { ...all, chosen: { ...all.chosen, [origin]: true } });
		await tellAll({ tell: 'settings' });
	}
	const told: Tell = { tell: 'mark' };
	await chrome.tabs.sendMessage(tab, told, frameId === undefined ? {} : { frameId }).catch(() => {});
}
