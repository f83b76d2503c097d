import { hostName } from '../anchor/index.ts';
import { Problem, Unreachable } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import type { Account, Entry, Group, PageEvent, Status } from '../api/shapes.ts';
import { followPlace, type Place, place } from '../page/location.ts';
import type { Ink } from '../paint/inks.ts';
import { type Reading, read } from '../reader/reader.ts';
import type { ReaderEvent, Remote } from '../reader/remote.ts';
import type { Draft } from '../ui/composer.ts';
import { writable } from './groups.ts';
import { type Asks, ask, fromBase64, type Settings, type State, type Tell, toBase64 } from './messages.ts';
import { moderation } from './moderation.ts';
import type { FromPage, ToPage } from './side-messages.ts';

/** The server, asked through the background: this script has no token and opens no connection. */
class Relay implements Remote {
	readonly framed = window !== top;
	readonly server: string;
	private watched: { url: string; listen: (event: ReaderEvent) => void } | null = null;
	private readonly held = new Set<string>();
	private status: Status = 'connecting';
	private asking = false;
	private stale = false;

	constructor(private settings: Settings) {
		this.server = settings.server;
	}

	get groups(): readonly Group[] {
		return writable(this.settings.groups);
	}

	watch(url: string, listen: (event: ReaderEvent) => void, signal: AbortSignal): void {
		this.watched = { url, listen };
		this.held.clear();
		this.status = 'connecting';
		this.tellSettings();
		this.again();
		signal.addEventListener('abort', () => {
			if (this.watched?.listen !== listen) return;
			this.watched = null;
			ask('leave', { url }).catch(() => {});
		});
	}

	/** Says which page is watched: at first, and whenever the background has forgotten. */
	again(): void {
		if (this.watched) ask('watch', { url: this.watched.url }).catch(() => {});
	}

	leave(): void {
		if (this.watched) ask('leave', { url: this.watched.url }).catch(() => {});
	}

	receive(url: string, events: ReaderEvent[]): void {
		for (const event of events) {
			if (event.type === 'highlight') this.held.add(event.highlight.id);
			if (event.type === 'removed') this.held.delete(event.id);
			if (event.type === 'live') this.status = 'live';
			if (event.type === 'status') this.status = event.status;
			if (this.watched?.url === url) this.watched.listen(event);
		}
	}

	change(settings: Settings): void {
		this.settings = settings;
		this.tellSettings();
	}

	state(): State {
		return { status: this.status, highlights: this.held.size, near: false, unreadable: false };
	}

	chooseGroup(group: string): void {
		this.settings.group = group;
		ask('group', { group }).catch(() => {});
	}

	chooseInk(ink: Ink): void {
		this.settings.ink = ink;
		ask('ink', { ink }).catch(() => {});
	}

	signUp(name: string): Promise<Account> {
		return ask('signUp', { name });
	}

	readonly signIn = () => ask('signIn', {});

	readonly besides = null;
	readonly moderation = moderation;

	async perform(operation: Operation, file?: Blob): Promise<PageEvent | null> {
		const bytes = file && (await toBase64(file));
		const { url } = operation;
		const request = () => (bytes === undefined ? ask('perform', operation) : ask('attach', { url, operation, bytes }));
		try {
			return await request();
		} catch (cause) {
			if (cause instanceof Problem || cause instanceof Unreachable) throw cause;
			return request(); // the worker was ended before it answered: the same again is done once
		}
	}

	async readFile(url: string, id: string): Promise<Blob> {
		return fromBase64(await ask('file', { url, id }));
	}

	settle(url: string, operation: string, again: boolean): void {
		ask('settle', { url, operation, again }).catch(() => {});
	}

	/** What is kept for the page has changed. It is asked for once at a time, so that no older answer comes last. */
	async keptAgain(): Promise<void> {
		this.stale = true;
		if (this.asking) return;
		this.asking = true;
		while (this.stale && this.watched) {
			this.stale = false;
			const { watched } = this;
			const kept = await ask('kept', { url: watched.url }).catch(() => null);
			if (kept && this.watched === watched) watched.listen({ type: 'kept', kept });
		}
		this.asking = false;
	}

	listHistory(url: string, highlight: string): Promise<Entry[]> {
		return ask('history', { url, highlight });
	}

	keepDraft(url: string, key: string, draft: Draft | null): void {
		ask('draft', { url, key, draft }).catch(() => {});
	}

	private tellSettings(): void {
		this.watched?.listen({ type: 'account', account: this.settings.account });
		this.watched?.listen({ type: 'group', group: this.settings.group });
		this.watched?.listen({ type: 'ink', ink: this.settings.ink });
	}
}

/** The site of this script, as the background checks it. */
const site: Asks['settings']['asked'] = { origin: location.origin };

/** A frame smaller than this is no place to read in, in CSS pixels. */
const smallest = 200;

let running: { relay: Relay; reading: Reading | null; end: AbortController } | null = null;
/** Whether there are highlights here that one does not see, since limn is off. */
let near = false;

/** A page, or a frame of the same site in it. Frames of other sites are not what the person turned limn on for. */
function readable(): boolean {
	if (!/html|xml|^text\/plain$/.test(document.contentType)) return false; // a PDF, a picture
	if (window === top) return true;
	try {
		if (top?.location.origin !== location.origin) return false;
	} catch {
		return false;
	}
	return innerWidth >= smallest && innerHeight >= smallest;
}

/** Begins, ends or goes on, as the settings want it. */
async function follow(): Promise<void> {
	if (!readable()) return;
	const settings = await ask('settings', site);
	if (running && !settings.on) {
		running.end.abort();
		running = null;
		informAll();
	} else if (running) {
		running.relay.change(settings);
	} else if (settings.on && !document.querySelector(hostName)) {
		const relay = new Relay(settings);
		const now = { relay, reading: null as Reading | null, end: new AbortController() };
		running = now;
		near = false;
		const show = (place: Place, until: AbortSignal) => {
			now.reading = read(place, relay, until);
			informAll();
		};
		followPlace(document, show, now.end.signal);
	}
	if (!settings.on && !document.querySelector(hostName)) await lookNear();
}

/** Asks whether there is something to be seen, in the way that does not tell the server what this page is. */
async function lookNear(): Promise<void> {
	const url = window === top ? place(document)?.url : undefined;
	near = url !== undefined && (await ask('near', { url }));
	informAll();
}

/** Highlights what is selected, if it is in this frame. */
async function mark(): Promise<void> {
	await follow();
	if (document.hasFocus() && !(document.activeElement instanceof HTMLIFrameElement)) running?.reading?.mark();
}

/** The panels beside this page, in each window that shows one. */
const sides = new Map<chrome.runtime.Port, AbortController>();

/** Tells a panel what is on the page, from the beginning. */
function inform(port: chrome.runtime.Port): void {
	sides.get(port)?.abort();
	const end = new AbortController();
	sides.set(port, end);
	const tell = (told: FromPage) => port.postMessage(told);
	const now = running && place(document);
	if (!running?.reading || !now) return tell({ off: { origin: location.origin, near, unreadable: !readable() } });
	tell({ place: now });
	running.reading.overhear(tell, end.signal);
}

function informAll(): void {
	for (const port of sides.keys()) inform(port);
}

chrome.runtime.onConnect.addListener((port) => {
	if (port.sender?.id !== chrome.runtime.id || port.name !== 'side') return;
	port.onMessage.addListener((told: ToPage) => {
		const reading = running?.reading;
		if (told.act === 'point') reading?.point(told.id);
		else if (told.act === 'visit') reading?.visit(told.id);
		else reading?.putBack(told.id);
	});
	port.onDisconnect.addListener(() => {
		sides.get(port)?.abort();
		sides.delete(port);
	});
	inform(port);
});

chrome.runtime.onMessage.addListener((message: Tell, sender, respond: (state: State) => void) => {
	if (sender.id !== chrome.runtime.id) return;
	switch (message.tell) {
		case 'events':
			running?.relay.receive(message.url, message.events);
			break;
		case 'settings':
			void follow();
			break;
		case 'again':
			running?.relay.again();
			break;
		case 'kept':
			void running?.relay.keptAgain();
			break;
		case 'mark':
			void mark();
			break;
		case 'state':
			respond(running?.relay.state() ?? { status: null, highlights: 0, near, unreadable: !readable() });
			break;
	}
});

// A page that waits in the back/forward cache reads nothing; back from there, it reads again. So does one that is
// looked at again: should the background have been ended meanwhile, this wakes it.
addEventListener('pagehide', () => running?.relay.leave());
addEventListener('pageshow', (event) => {
	if (event.persisted) running?.relay.again();
});
document.addEventListener('visibilitychange', () => {
	if (document.visibilityState === 'visible') running?.relay.again();
});

void follow();
