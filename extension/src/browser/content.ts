import { hostName } from '../anchor/index.ts';
import type { Operation } from '../api/operations.ts';
import type { Account, Entry, PageEvent } from '../api/shapes.ts';
import { followPlace } from '../page/location.ts';
import type { Ink } from '../paint/inks.ts';
import { read } from '../reader/reader.ts';
import type { ReaderEvent, Remote } from '../reader/remote.ts';
import type { Draft } from '../ui/composer.ts';
import { say } from '../ui/say.ts';
import { type Asks, ask, type Settings, type State, type Tell } from './messages.ts';

/** The server, asked through the background: this script has no token and opens no connection. */
class Relay implements Remote {
	readonly groups = [
		{ id: 'public', name: say('everybody') },
		{ id: 'me', name: say('onlyMe') },
	];
	readonly server: string;
	private watched: { url: string; listen: (event: ReaderEvent) => void } | null = null;
	private readonly held = new Set<string>();
	private status: State['status'] = 'connecting';

	constructor(private settings: Settings) {
		this.server = settings.server;
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
		return { status: this.status, highlights: this.held.size };
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

	perform(operation: Operation): Promise<PageEvent | null> {
		return ask('perform', operation);
	}

	settle(): void {}

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

let running: { relay: Relay; end: AbortController } | null = null;

/** Begins, ends or goes on, as the settings want it. */
async function follow(): Promise<void> {
	const settings = await ask('settings', site);
	if (running && !settings.on) {
		running.end.abort();
		running = null;
	} else if (running) {
		running.relay.change(settings);
	} else if (settings.on && !document.querySelector(hostName)) {
		const relay = new Relay(settings);
		const end = new AbortController();
		running = { relay, end };
		followPlace(document, (place, until) => void read(place, relay, until), end.signal);
	}
}

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
		case 'state':
			if (running) respond(running.relay.state());
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
