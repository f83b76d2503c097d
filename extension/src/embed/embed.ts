import en from '../../locales/en.json';
import { hostName } from '../anchor/index.ts';
import { Client } from '../api/client.ts';
import { fields, text } from '../api/narrow.ts';
import type { Operation } from '../api/operations.ts';
import { type Account, account, type Entry, type PageEvent } from '../api/shapes.ts';
import { Hub } from '../hub/hub.ts';
import { canShare, Shared } from '../hub/shared.ts';
import { Tabs } from '../hub/tabs.ts';
import { followPlace } from '../page/location.ts';
import { type Ink, isInk } from '../paint/inks.ts';
import paint from '../paint/paint.css';
import { read } from '../reader/reader.ts';
import type { ReaderEvent, Remote } from '../reader/remote.ts';
import type { Draft } from '../ui/composer.ts';
import { Discussion } from '../ui/discussion.ts';
import { Filters } from '../ui/filters.ts';
import { adopt } from '../ui/host.ts';
import { say, speak } from '../ui/say.ts';

/** Who one is on this page: kept in the page's own storage (docs/adr/0020-embed-identity.md). */
interface Identity {
	account: Account;
	token: string;
}

/**
 * How long a tab that nobody looks at keeps its stream where tabs cannot share one, in milliseconds. Browsers open six
 * connections to a server that speaks HTTP/1.1, all tabs together: streams of hidden tabs would leave none to ask with.
 */
const unseen = 10_000;

/** The server, asked by the page itself. */
class Direct implements Remote {
	readonly groups = [{ id: 'public', name: say('everybody'), role: null }];
	readonly framed = false;
	private readonly key: string;
	private readonly client: Client;
	private readonly hub: { watch: Hub['watch']; nudge(): void; restart(token: string | null): void };
	private readonly shared: boolean;
	private identity: Identity | null;
	private readonly listeners = new Set<(event: ReaderEvent) => void>();

	constructor(
		readonly server: string,
		signal: AbortSignal,
	) {
		this.key = `limn ${server}`;
		this.identity = this.recall();
		const token = () => this.identity?.token ?? null;
		this.client = new Client(server, token);
		const refused = () => this.identify(null);
		// Tabs that cannot keep who one is in common have nothing to share.
		this.shared = canShare() && this.store('tabs', 'shared');
		this.hub = this.shared
			? new Shared(this.key, (deliver) => new Tabs(server, token(), deliver, refused))
			: new Hub(server, token, refused, window);
		addEventListener('focus', () => this.hub.nudge(), { signal });
		// Another tab of this page may be where the name was given.
		addEventListener(
			'storage',
			(event) => {
				if (event.key !== this.key) return;
				this.identity = this.recall();
				this.tell();
			},
			{ signal },
		);
	}

	watch(url: string, listen: (event: ReaderEvent) => void, signal: AbortSignal): void {
		this.listeners.add(listen);
		signal.addEventListener('abort', () => this.listeners.delete(listen));
		listen({ type: 'account', account: this.identity?.account ?? null });
		const ink = this.stored('ink');
		if (isInk(ink)) listen({ type: 'ink', ink });
		listen({ type: 'drafts', drafts: this.drafts(url) });
		if (this.shared) return this.hub.watch(url, listen, signal);
		let seen: AbortController | null = null;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const look = () => {
			clearTimeout(timer);
			if (document.visibilityState === 'hidden') {
				timer = setTimeout(() => {
					seen?.abort();
					seen = null;
				}, unseen);
			} else if (!seen) {
				seen = new AbortController();
				this.hub.watch(url, listen, AbortSignal.any([signal, seen.signal]));
			}
		};
		document.addEventListener('visibilitychange', look, { signal });
		signal.addEventListener('abort', () => clearTimeout(timer));
		look();
	}

	chooseGroup(): void {}

	chooseInk(ink: Ink): void {
		this.store('ink', ink);
	}

	async signUp(name: string): Promise<Account> {
		const identity = await this.ask(() => this.client.signUp(name));
		this.identify(identity);
		return identity.account;
	}

	perform(operation: Operation, file?: Blob): Promise<PageEvent> {
		const { change } = operation;
		const sent = (part: number) => {
			if (change.kind !== 'attach') return;
			for (const listen of this.listeners) listen({ type: 'sent', file: change.file.id, part });
		};
		return this.ask(() => this.client.perform(operation, file, sent));
	}

	readFile(_: string, id: string): Promise<Blob> {
		return this.ask(() => this.client.readAttachment(id));
	}

	readonly signIn = null; // the server leads back to extensions only
	readonly besides = { Filters, Discussion };
	readonly moderation = null; // all that is marked here is public

	settle(): void {} // nothing is kept for later here

	listHistory(_: string, highlight: string): Promise<Entry[]> {
		return this.ask(() => this.client.listHistory(highlight));
	}

	keepDraft(url: string, key: string, draft: Draft | null): void {
		const drafts = this.drafts(url);
		if (draft) drafts[key] = draft;
		else delete drafts[key];
		this.store(`drafts ${url}`, Object.keys(drafts).length > 0 ? drafts : null);
	}

	/** A server that answers here answers the stream, too; one that knows the token no more is told a new name. */
	private async ask<T>(request: () => Promise<T>): Promise<T> {
		try {
			const answer = await request();
			this.hub.nudge();
			return answer;
		} catch (cause) {
			if ((cause as { status?: unknown }).status === 401) this.identify(null);
			throw cause;
		}
	}

	private identify(identity: Identity | null): void {
		this.identity = identity;
		this.store('', identity);
		this.tell();
	}

	private recall(): Identity | null {
		try {
			const kept = fields(this.stored(''), 'identity');
			return { account: account(kept.account), token: text(kept, 'token') };
		} catch {
			return null;
		}
	}

	private drafts(url: string): Record<string, Draft> {
		return (this.stored(`drafts ${url}`) ?? {}) as Record<string, Draft>;
	}

	private stored(name: string): unknown {
		try {
			return JSON.parse(localStorage.getItem(`${this.key} ${name}`.trim()) ?? 'null');
		} catch {
			return null;
		}
	}

	/** Keeps something for all tabs. A browser that keeps nothing for this page: what is known lasts as long as it. */
	private store(name: string, value: unknown): boolean {
		const key = `${this.key} ${name}`.trim();
		try {
			if (value === null) localStorage.removeItem(key);
			else localStorage.setItem(key, JSON.stringify(value));
			return true;
		} catch {
			return false;
		}
	}

	private tell(): void {
		for (const listen of this.listeners) listen({ type: 'account', account: this.identity?.account ?? null });
		this.hub.restart(this.identity?.token ?? null);
	}
}

function start(script: string): void {
	if (document.querySelector(hostName)) return; // limn is here already, as an extension or included twice
	speak(en);
	const { signal } = new AbortController(); // the page's own life
	adopt(document, paint, signal);
	const remote = new Direct(new URL(script).origin, signal);
	followPlace(document, (place, until) => void read(place, remote, until), signal);
}

if (document.currentScript instanceof HTMLScriptElement) start(document.currentScript.src);
