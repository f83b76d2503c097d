import type { Status } from '../api/shapes.ts';
import { say } from '../ui/say.ts';

/** What the extension's button says of a tab: nothing while all is well. */
export function badge(tab: number, is: Status | 'near' | null): void {
	const text = is === 'offline' ? '!' : is === 'connecting' ? '…' : is === 'near' ? '•' : '';
	const title = is === null ? 'limn' : `limn: ${is === 'near' ? say('nearShort') : say(is)}`;
	// A tab that is closed meanwhile has no button.
	void chrome.action.setBadgeText({ tabId: tab, text }).catch(() => {});
	void chrome.action.setTitle({ tabId: tab, title }).catch(() => {});
	const color = is === 'offline' ? '#a33a2c' : is === 'near' ? '#b98a00' : '#6b6660';
	void chrome.action.setBadgeBackgroundColor({ tabId: tab, color }).catch(() => {});
}
