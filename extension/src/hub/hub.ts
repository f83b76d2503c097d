import { Problem } from '../api/client.ts';
import { fields, text } from '../api/narrow.ts';
import type { PageEvent, Reply } from '../api/shapes.ts';
import * as shapes from '../api/shapes.ts';
import { pageID } from '../page/url.ts';
import { PageState } from '../state/page.ts';
import type { ServerEvent } from '../stream/events.ts';
import { stream } from '../stream/stream.ts';

/** How many pages one stream may name. */
const maxPages = 32;

/** A page that nobody watches keeps its place in the stream for so long: a reload comes right back. */
const grace = 2_000;

type Listener = (event: PageEvent) => void;

interface Watched {
	url: string;
	state: PageState;
	listeners: Set<Listener>;
}

/**
 * One stream for all pages that are watched here. It holds each page's state, so that who comes later is told
 * at once what is known.
 */
export class Hub {
	private readonly pages = new Map<string, Watched>(); // by url, the latest watched last
	private readonly nudges = new EventTarget();
	private cursor = '';
	private connection: { end: AbortController; urls: string[] } | null = null;
	/** Replies that came before the highlight they stand under: a reply does not name its page. */
	private readonly strays = new Map<string, Reply[]>();

	/**
	 * @param server the origin that is asked
	 * @param token read at each connection
	 * @param refused the server knows the token no more
	 * @param network says that it is online or offline: the window
	 */
	constructor(
		private readonly server: string,
		private readonly token: () => string | null,
		private readonly refused: () => void,
		network: EventTarget,
	) {
		// A connection does not notice that the network is gone until it wants to send something; the browser does.
		network.addEventListener('offline', () => this.nudges.dispatchEvent(new Event('doubt')));
		network.addEventListener('online', () => this.nudge());
	}

	/** Tells what a page holds and what happens to it, until the signal ends it. */
	watch(url: string, listen: Listener, signal: AbortSignal): void {
		if (signal.aborted) return;
		const page = this.pages.get(url) ?? { url, state: new PageState(), listeners: new Set() };
		this.pages.delete(url);
		this.pages.set(url, page);
		if (!this.connection?.urls.includes(url)) page.state.apply({ type: 'status', status: 'connecting' });
		for (const event of page.state.snapshot()) listen(event);
		page.listeners.add(listen);
		signal.addEventListener('abort', () => {
			page.listeners.delete(listen);
			setTimeout(() => this.reconnect(), grace);
		});
		queueMicrotask(() => this.reconnect());
	}

	/** A change that an answer told before the stream did. */
	tell(url: string, event: PageEvent): void {
		this.to(url, event);
	}

	/** Another account: everything is asked for anew, as it may see more or less. */
	restart(): void {
		this.cursor = '';
		for (const url of this.pages.keys()) this.to(url, { type: 'resync' });
		this.connection?.end.abort();
		this.connection = null;
		this.reconnect();
	}

	/** The server was seen to answer. */
	nudge(): void {
		this.nudges.dispatchEvent(new Event('nudge'));
	}

	/** Opens a stream of what is watched now, unless one is open. */
	private reconnect(): void {
		const all = [...this.pages.values()].filter((page) => page.listeners.size > 0).map((page) => page.url);
		const urls = all.slice(-maxPages).sort();
		if (this.connection?.urls.join('\n') === urls.join('\n')) return;
		// What was looked at longest ago is live no more, and says so. Looked at again, it is watched again.
		for (const url of all.slice(0, -maxPages)) {
			if (!this.connection?.urls.includes(url)) continue;
			this.to(url, { type: 'resync' });
			this.to(url, { type: 'status', status: 'connecting' });
		}
		this.connection?.end.abort();
		this.connection = null;
		if (urls.length === 0) return;
		const end = new AbortController();
		this.connection = { end, urls };
		void this.run(urls, end.signal);
	}

	private async run(urls: string[], signal: AbortSignal): Promise<void> {
		// One page is named by its URL, which needs no digest: pages without TLS have none.
		const ids = new Map<string, string>();
		if (urls.length > 1) for (const url of urls) ids.set(await pageID(url), url);
		const query = new URLSearchParams(
			ids.size > 0 ? [...ids.keys()].map((id) => ['page', id]) : [['url', urls[0] ?? '']],
		);
		const home = (id: string) => (ids.size > 0 ? ids.get(id) : urls[0]);
		await stream({
			request: () => ({ url: `${this.server}/api/v1/stream?${query}`, token: this.token() }),
			cursor: this.cursor,
			receive: (event) => {
				try {
					this.receive(event, home);
				} catch (cause) {
					console.warn('limn: an event that cannot be read was left out', cause);
				}
				this.advance(event.id, urls);
			},
			lost: (cause) => {
				for (const url of urls) this.to(url, { type: 'status', status: 'offline' });
				if (cause instanceof Problem && cause.status === 401 && this.token()) this.refused();
			},
			signal,
			nudges: this.nudges,
		});
	}

	private receive(event: ServerEvent, home: (id: string) => string | undefined): void {
		const told = fields(JSON.parse(event.data), event.type);
		switch (event.type) {
			case 'highlight': {
				const highlight = shapes.highlight(told);
				const url = home(highlight.page.id);
				this.to(url, { type: 'highlight', highlight });
				for (const reply of this.strays.get(highlight.id) ?? []) this.to(url, { type: 'reply', reply });
				this.strays.delete(highlight.id);
				break;
			}
			case 'reply': {
				const reply = shapes.reply(told);
				const page = [...this.pages.values()].find(({ state }) => state.highlights.has(reply.highlight));
				if (page) this.to(page.url, { type: 'reply', reply });
				else this.strays.set(reply.highlight, [...(this.strays.get(reply.highlight) ?? []), reply]);
				break;
			}
			case 'removed': {
				const kind = text(told, 'kind') === 'reply' ? 'reply' : 'highlight';
				this.to(home(text(told, 'page')), { type: 'removed', id: text(told, 'id'), kind });
				break;
			}
			case 'live':
				this.to(home(text(told, 'page')), { type: 'live' });
				break;
			case 'resync':
				this.to(home(text(told, 'page')), { type: 'resync' });
				break;
			case 'presence':
				this.to(home(text(told, 'page')), { type: 'presence', presence: shapes.presence(told) });
				break;
		}
	}

	private to(url: string | undefined, event: PageEvent): void {
		const page = url === undefined ? undefined : this.pages.get(url);
		if (!page) return;
		if (event.type === 'status' && event.status === page.state.status) return;
		page.state.apply(event);
		for (const listen of page.listeners) listen(event);
	}

	/**
	 * Remembers where to resume. A page that left the stream is forgotten only now, with a cursor that does not
	 * name it: an older one would resume it after what was forgotten.
	 */
	private advance(cursor: string, urls: string[]): void {
		if (cursor === this.cursor) return;
		this.cursor = cursor;
		for (const [url, page] of this.pages) {
			if (page.listeners.size === 0 && !urls.includes(url)) this.pages.delete(url);
		}
	}
}
