import type { PageEvent } from '../api/shapes.ts';
import { Hub } from './hub.ts';

/** What shows a page: a frame of a tab, or a tab of a site. */
type Frame = string;

type Deliver = (frame: Frame, url: string, events: PageEvent[]) => void;

/** One hub for every tab: what happens to a page goes to each tab that shows it, many at a time. */
export class Tabs {
	private readonly hub: Hub;
	private readonly watching = new Map<Frame, { url: string; end: AbortController }>();

	constructor(
		server: string,
		private token: string | null,
		private readonly deliver: Deliver,
		refused: () => void,
	) {
		this.hub = new Hub(server, () => this.token, refused, window);
	}

	/** How many frames are watched. */
	get watched(): number {
		return this.watching.size;
	}

	/** A frame shows one page: it leaves the one before. */
	watch(frame: Frame, url: string): void {
		this.leave(frame, null);
		const end = new AbortController();
		this.watching.set(frame, { url, end });
		let events: PageEvent[] = [];
		const listen = (event: PageEvent) => {
			if (events.push(event) > 1) return;
			queueMicrotask(() => {
				const all = events;
				events = [];
				if (!end.signal.aborted) this.deliver(frame, url, all);
			});
		};
		this.hub.watch(url, listen, end.signal);
	}

	leave(frame: Frame, url: string | null): void {
		const watched = this.watching.get(frame);
		if (!watched || (url !== null && watched.url !== url)) return;
		watched.end.abort();
		this.watching.delete(frame);
	}

	/** A tab is closed, with all its frames: those that fit. */
	leaveAll(fits: (frame: Frame) => boolean = () => true): void {
		for (const frame of [...this.watching.keys()]) if (fits(frame)) this.leave(frame, null);
	}

	restart(token: string | null, anyway = false): void {
		if (token === this.token && !anyway) return;
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
