import { Client } from '../api/client.ts';
import { Tabs } from '../hub/tabs.ts';
import { Backend, recallIdentity, type Streams, tellAll } from './backend.ts';
import { listenToCommands } from './commands.ts';
import { partsOf } from './messages.ts';
import { Queue } from './queue.ts';
import { server } from './settings.ts';
import { uploadKept } from './uploads.ts';

// Firefox's background page holds the stream itself. Firefox unloads a page that has called no interface of the
// browser for 30 s, whatever it holds open: so one is called more often, for as long as a tab is watched.

const beat = 10_000;

const address = server();

const tabs = (async () => {
	const token = (await recallIdentity())?.token ?? null;
	return new Tabs(
		await address,
		token,
		(frame, url, events) => backend.deliver(frame, url, events),
		() => void backend.refused(),
	);
})();

const queue = new Queue();

const streams: Streams = {
	watch: async (frame, url) => (await tabs).watch(frame, url),
	leave: (frame, url) => void tabs.then((all) => all.leave(frame, url)),
	close: (tab) => void tabs.then((all) => all.leaveAll((frame) => partsOf(frame).tab === tab)),
	restart: (token, anyway) => void tabs.then((all) => all.restart(token, anyway)),
	tell: (url, events) => void tabs.then((all) => all.tell(url, events)),
	nudge: () => void tabs.then((all) => all.nudge()),
	async upload(operation, token) {
		const [all, server] = [await tabs, await address];
		return uploadKept(queue, new Client(server, () => token), operation, (url, event) => all.tell(url, [event]));
	},
};

const backend = new Backend(address, streams);
backend.listen();
listenToCommands();
setInterval(async () => {
	if ((await tabs).watched > 0) await chrome.tabs.query({ active: true });
}, beat);
void tellAll({ tell: 'again' });
