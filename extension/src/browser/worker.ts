import type { PageEvent } from '../api/shapes.ts';
import { Backend, recallIdentity, type Streams, tellAll } from './backend.ts';
import { listenToCommands } from './commands.ts';
import { type Answer, type FromHub, type ToHub, unwrap } from './messages.ts';
import { server } from './settings.ts';

// Chrome ends this worker after 30 s without an event, and with it whatever it holds open. So the stream lives in
// an offscreen document, which wakes the worker with what there is to tell; nothing is kept in here.

const address = server();
let making: Promise<void> | null = null;

/** Makes the offscreen document, unless there is one. A new one knows of no tab: all say again what they watch. */
async function offscreen(): Promise<void> {
	if (await chrome.offscreen.hasDocument()) return;
	making ??= chrome.offscreen
		.createDocument({
			url: 'offscreen.html',
			reasons: [chrome.offscreen.Reason.WORKERS],
			justification: 'Holds the one stream that tells all tabs what is highlighted on their pages.',
		})
		.then(() => tellAll({ tell: 'again' }))
		.finally(() => {
			making = null;
		});
	await making;
}

async function toHub(message: ToHub): Promise<void> {
	await chrome.runtime.sendMessage(message).catch(() => {}); // no document: nothing is watched
}

const streams: Streams = {
	async watch(frame, url) {
		await offscreen();
		const token = (await recallIdentity())?.token ?? null;
		await toHub({ hub: 'watch', server: await address, token, frame, url });
	},
	leave: (frame, url) => void toHub({ hub: 'leave', frame, url }),
	close: (tab) => void toHub({ hub: 'close', tab }),
	restart: (token, anyway = false) => void toHub({ hub: 'restart', token, anyway }),
	tell: (url, events) => void toHub({ hub: 'tell', url, events }),
	nudge: () => void toHub({ hub: 'nudge' }),
	// A worker may be ended while a large file is on its way, and has no XMLHttpRequest.
	async upload(operation, token) {
		await offscreen();
		const message: ToHub = { hub: 'upload', server: await address, token, operation };
		return unwrap((await chrome.runtime.sendMessage(message)) as Answer | undefined) as PageEvent;
	},
};

const backend = new Backend(address, streams);
backend.listen();
listenToCommands();

chrome.runtime.onMessage.addListener((message: unknown, sender) => {
	if (sender.id !== chrome.runtime.id || sender.url !== chrome.runtime.getURL('offscreen.html')) return;
	const told = message as FromHub;
	if ('refused' in told) void backend.refused();
	else backend.deliver(told.to, told.url, told.events);
});
