import type { PageEvent } from '../api/shapes.ts';
import type { Tabs } from './tabs.ts';

/** What the tabs of a site say to each other. */
type Said =
	| { leads: true } // another tab holds the stream now: say again what you watch
	| { watches: string; tab: string }
	| { leaves: string; tab: string }
	| { nudges: true }
	| { tells: PageEvent[]; url: string; tab: string };

/** Whether tabs can share here: only secure contexts have locks. */
export const canShare = (): boolean => 'locks' in navigator && 'BroadcastChannel' in globalThis;

/**
 * One stream for all tabs of a site that have one server. Whoever has the lock holds the stream and tells the others;
 * when it goes, the browser gives the lock to the next. A tab that holds a lock of its own is there; one whose lock can be
 * had is gone.
 */
export class Shared {
	private watched: { url: string; listen: (event: PageEvent) => void } | null = null;
	private now: { channel: BroadcastChannel; tab: string } | null = null;
	/** The stream, if this tab is the one that holds it. */
	private tabs: Tabs | null = null;
	/** The tabs whose end it will hear of. */
	private readonly guarded = new Set<string>();

	/**
	 * @param name what only tabs with the same server have in common
	 * @param begin opens the stream, in the tab that holds it
	 */
	constructor(
		private readonly name: string,
		private readonly begin: (deliver: ConstructorParameters<typeof Tabs>[2]) => Tabs,
	) {
		let here = new AbortController();
		void this.join(here.signal);
		// A page that waits in the back/forward cache holds no lock, or it would not be put there.
		addEventListener('pagehide', () => here.abort());
		addEventListener('pageshow', (event) => {
			if (!event.persisted) return;
			here = new AbortController();
			void this.join(here.signal);
		});
	}

	/** A tab shows one page: it leaves the one before. */
	watch(url: string, listen: (event: PageEvent) => void, signal: AbortSignal): void {
		const watched = { url, listen };
		this.watched = watched;
		this.again();
		signal.addEventListener('abort', () => {
			if (this.watched !== watched) return;
			this.watched = null;
			if (this.now) this.say({ leaves: url, tab: this.now.tab });
		});
	}

	/** Another account: whoever holds the stream has been told of it by the browser. */
	restart(token: string | null): void {
		this.tabs?.restart(token);
	}

	nudge(): void {
		this.say({ nudges: true });
	}

	private async join(signal: AbortSignal): Promise<void> {
		const tab = crypto.randomUUID();
		const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
		const lock = (name: string, held: () => Promise<void>) =>
			navigator.locks.request(`${this.name} ${name}`, { signal }, held).catch(() => {});
		void lock(tab, () => {
			const channel = new BroadcastChannel(this.name);
			channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data, lock);
			this.now = { channel, tab };
			this.again();
			void lock('stream', () => {
				this.tabs = this.begin((to, url, events) => this.say({ tells: events as PageEvent[], url, tab: to }));
				this.say({ leads: true });
				return gone;
			});
			return gone;
		});
		await gone;
		if (this.now?.tab !== tab) return;
		this.tabs?.leaveAll();
		this.tabs = null;
		this.guarded.clear();
		this.now.channel.close();
		this.now = null;
	}

	/** Says which page is watched: at first, and whenever another tab holds the stream. */
	private again(): void {
		if (this.watched && this.now) this.say({ watches: this.watched.url, tab: this.now.tab });
	}

	/** Says something to the other tabs, and to this one. */
	private say(said: Said): void {
		if (!this.now) return;
		this.now.channel.postMessage(said);
		this.hear(said, null);
	}

	private hear(said: Said, lock: ((name: string, held: () => Promise<void>) => void) | null): void {
		if ('leads' in said) {
			this.again();
		} else if ('tells' in said) {
			if (said.tab !== this.now?.tab || said.url !== this.watched?.url) return;
			for (const event of said.tells) this.watched.listen(event);
		} else if (!this.tabs) {
			// The rest is for the tab that holds the stream.
		} else if ('watches' in said) {
			const { tabs } = this;
			if (lock && !this.guarded.has(said.tab)) lock(said.tab, async () => tabs.leave(said.tab, null));
			this.guarded.add(said.tab);
			tabs.watch(said.tab, said.watches);
		} else if ('leaves' in said) {
			this.tabs.leave(said.tab, said.leaves);
		} else {
			this.tabs.nudge();
		}
	}
}
