import { Client } from '../api/client.ts';
import { Tabs } from '../hub/tabs.ts';
import { type FromHub, partsOf, type ToHub, wrap } from './messages.ts';
import { Queue } from './queue.ts';
import { uploadKept } from './uploads.ts';

// The document that holds the stream in Chrome. Of the browser's interfaces it has messages only, so what it needs
// to know comes with them.

let tabs: Tabs | null = null;

function tell(message: FromHub): void {
	void chrome.runtime.sendMessage(message);
}

const queue = new Queue();

chrome.runtime.onMessage.addListener((message: unknown, sender, respond) => {
	const ours = sender.id === chrome.runtime.id && !sender.tab; // the worker; content scripts have a tab
	if (!ours || typeof message !== 'object' || message === null || !('hub' in message)) return false;
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
			tabs?.leaveAll((frame) => partsOf(frame).tab === told.tab);
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
		case 'upload': {
			const client = new Client(told.server, () => told.token);
			uploadKept(queue, client, told.operation, (url, event) => tabs?.tell(url, [event]))
				.then((ok) => respond({ ok }))
				.catch((cause: unknown) => respond(wrap(cause)));
			return true; // the answer comes later
		}
	}
	return false;
});
