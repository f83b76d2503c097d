import { Backend, recallIdentity, type Streams, tellAll, tellTab } from './backend.ts';
import { server } from './settings.ts';
import { Tabs } from './tabs.ts';

// Firefox's background page holds the stream itself. Firefox unloads a page that has called no interface of the
// browser for 30 s, whatever it holds open: so one is called more often, for as long as a tab is watched.

const beat = 10_000;

const address = server();

const tabs = (async () => {
	const token = (await recallIdentity())?.token ?? null;
	return new Tabs(
		await address,
		token,
		(tab, url, events) => void tellTab(tab, { tell: 'events', url, events }),
		() => void backend.refused(),
	);
})();

const streams: Streams = {
	watch: async (tab, url) => (await tabs).watch(tab, url),
	leave: (tab, url) => void tabs.then((all) => all.leave(tab, url)),
	restart: (token) => void tabs.then((all) => all.restart(token)),
	tell: (url, events) => void tabs.then((all) => all.tell(url, events)),
	nudge: () => void tabs.then((all) => all.nudge()),
};

const backend = new Backend(address, streams);
backend.listen();
setInterval(async () => {
	if ((await tabs).watched > 0) await chrome.tabs.query({ active: true });
}, beat);
void tellAll({ tell: 'again' });
