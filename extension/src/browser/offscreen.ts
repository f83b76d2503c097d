import type { FromHub, ToHub } from './messages.ts';
import { Tabs } from './tabs.ts';

// The document that holds the stream in Chrome. Of the browser's interfaces it has messages only, so what it needs
// to know comes with them.

let tabs: Tabs | null = null;

function tell(message: FromHub): void {
	void chrome.runtime.sendMessage(message);
}

chrome.runtime.onMessage.addListener((message: unknown, sender) => {
	const ours = sender.id === chrome.runtime.id && !sender.tab; // the worker; content scripts have a tab
	if (!ours || typeof message !== 'object' || message === null || !('hub' in message)) return;
	const told = message as ToHub;
	switch (told.hub) {
		case 'watch':
			tabs ??= new Tabs(
				told.server,
				told.token,
				(to, url, events) => tell({ to, url, events }),
				() => tell({ refused: true }),
			);
			tabs.restart(told.token);
			tabs.watch(told.frame, told.url);
			break;
		case 'leave':
			tabs?.leave(told.frame, told.url);
			break;
		case 'close':
			tabs?.close(told.tab);
			break;
		case 'restart':
			tabs?.restart(told.token, told.anyway);
			break;
		case 'tell':
			tabs?.tell(told.url, told.events);
			break;
		case 'nudge':
			tabs?.nudge();
			break;
	}
});
