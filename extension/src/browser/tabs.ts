import type { PageEvent } from '../api/shapes.ts';
import { Hub } from '../hub/hub.ts';
import type { ReaderEvent } from '../reader/remote.ts';

type Deliver = (tab: number, url: string, events: ReaderEvent[]) => void;

/** One hub for every tab of the browser: what happens to a page goes to each tab that shows it, many at a time. */
export class Tabs {
	private readonly hub: Hub;
	private readonly watching = new Map<number, { url: string; end: AbortController }>();

	constructor(
		server: string,
		private token: string | null,
		private readonly deliver: Deliver,
		refused: () => void,
	) {
		this.hub = new Hub(server, () => this.token, refused, window);
	}

	/** How many tabs are watched. */
	get watched(): number {
		return this.watching.size;
	}

	/** A tab shows one page: it leaves the one before. */
	watch(tab: number, url: string): void {
		this.leave(tab, null);
		const end = new AbortController();
		this.watching.set(tab, { url, end });
		let events: ReaderEvent[] = [];
		const listen = (event: ReaderEvent) => {
			if (events.push(event) > 1) return;
			queueMicrotask(() => {
				const all = events;
				events = [];
				if (!end.signal.aborted) this.deliver(tab, url, all);
			});
		};
		this.hub.watch(url, listen, end.signal);
	}

	leave(tab: number, url: string | null): void {
		const watched = this.watching.get(tab);
		if (!watched || (url !== null && watched.url !== url)) return;
		watched.end.abort();
		this.watching.delete(tab);
	}

	restart(token: string | null): void {
		if (token === this.token) return;
		this.token = token;
		this.hub.restart();
	}

	tell(url: string, events: PageEvent[]): void {
		for (const event of events) this.hub.tell(url, event);
	}

	nudge(): void {
		this.hub.nudge();
	}
}
