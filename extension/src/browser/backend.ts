import { Client, Problem } from '../api/client.ts';
import { fields, text } from '../api/narrow.ts';
import { account, type PageEvent } from '../api/shapes.ts';
import { isInk } from '../paint/inks.ts';
import { draftsOf, keepDraft } from './drafts.ts';
import { type Answer, type Ask, type Asks, type Settings, type Tell, wrap } from './messages.ts';
import { forget, keep, recall } from './settings.ts';

/** Where the stream is held: in the background itself, or in Chrome's offscreen document. */
export interface Streams {
	watch(tab: number, url: string): Promise<void>;
	leave(tab: number, url: string | null): void;
	restart(token: string | null): void;
	tell(url: string, events: PageEvent[]): void;
	nudge(): void;
}

/**
 * What content scripts and the popup ask is answered here, where the token is. A content script gets the events
 * and answers for its own site and nothing else.
 */
export class Backend {
	constructor(
		private readonly server: Promise<string>,
		private readonly streams: Streams,
	) {}

	/** Begins to answer. Tabs that were open before say again what they watch. */
	listen(): void {
		chrome.runtime.onMessage.addListener((message: unknown, sender, respond: (answer: Answer) => void) => {
			const asked = this.check(message, sender);
			if (!asked) return false;
			this.answer(asked, sender.tab?.id ?? null)
				.then((ok) => respond({ ok }))
				.catch((cause: unknown) => respond(wrap(cause)));
			return true; // the answer comes later
		});
		chrome.tabs.onRemoved.addListener((tab) => this.streams.leave(tab, null));
	}

	/** The server knows the token no more: one is nobody again, until a name is given. */
	async refused(): Promise<void> {
		await forget('identity');
		this.streams.restart(null);
		await tellAll({ tell: 'settings' });
	}

	/**
	 * A question, if it comes from our own content script in a tab or from our own popup. What names a page must
	 * name one of the site that the script runs in: a site whose renderer is taken over learns of no other.
	 */
	private check(message: unknown, sender: chrome.runtime.MessageSender): Ask | null {
		if (sender.id !== chrome.runtime.id || typeof message !== 'object' || message === null || !('ask' in message)) {
			return null;
		}
		const asked = message as Ask;
		const own = sender.url?.startsWith(chrome.runtime.getURL('')) ?? false;
		if (own) return asked.ask === 'settings' || asked.ask === 'site' || asked.ask === 'signUp' ? asked : null;
		if (!sender.tab?.id || !sender.url || sender.frameId !== 0 || asked.ask === 'site') return null;
		const { origin } = new URL(sender.url);
		const named = asked.with;
		if ('origin' in named && named.origin !== origin) return null;
		if ('url' in named && new URL(named.url).origin !== origin) return null;
		return asked;
	}

	private async answer(asked: Ask, tab: number | null): Promise<unknown> {
		const identity = await recallIdentity();
		const client = new Client(await this.server, () => identity?.token ?? null);
		switch (asked.ask) {
			case 'settings':
				return this.settings(asked.with.origin);
			case 'watch':
				if (tab === null) return null;
				await this.streams.watch(tab, asked.with.url);
				await tellTab(tab, { tell: 'events', url: asked.with.url, events: [await draftsOf(asked.with.url)] });
				return null;
			case 'leave':
				if (tab !== null) this.streams.leave(tab, asked.with.url);
				return null;
			case 'group':
				await keep('group', asked.with.group);
				return null;
			case 'ink':
				await keep('ink', asked.with.ink);
				return null;
			case 'site': {
				const off = new Set((await recall('off')) as string[] | undefined);
				if (asked.with.on) off.delete(asked.with.origin);
				else off.add(asked.with.origin);
				await keep('off', [...off]);
				await tellAll({ tell: 'settings' });
				return null;
			}
			case 'signUp': {
				const made = await client.signUp(asked.with.name);
				await keep('identity', made);
				this.streams.restart(made.token);
				await tellAll({ tell: 'settings' });
				return made.account;
			}
			case 'perform': {
				const event = await this.request(() => client.perform(asked.with));
				this.streams.tell(asked.with.url, [event]);
				return event;
			}
			case 'history':
				return this.request(() => client.listHistory(asked.with.highlight));
			case 'draft':
				await keepDraft(asked.with);
				return null;
		}
	}

	/** A server that answers here answers the stream, too. */
	private async request<T>(act: () => Promise<T>): Promise<T> {
		try {
			const answer = await act();
			this.streams.nudge();
			return answer;
		} catch (cause) {
			if (cause instanceof Problem && cause.status === 401) await this.refused();
			throw cause;
		}
	}

	private async settings(origin: string): Promise<Settings> {
		const server = await this.server;
		const off = ((await recall('off')) ?? []) as string[];
		const ink = await recall('ink');
		return {
			server,
			account: (await recallIdentity())?.account ?? null,
			group: ((await recall('group')) as Asks['group']['asked']['group'] | undefined) ?? 'public',
			ink: isInk(ink) ? ink : 'yellow',
			on: !off.includes(origin) && origin !== server,
		};
	}
}

/** Who one is. It stays in the extension: no content script is ever told the token. */
export async function recallIdentity() {
	const kept = await recall('identity');
	if (kept === undefined) return null;
	const identity = fields(kept, 'identity');
	return { account: account(identity.account), token: text(identity, 'token') };
}

/** Tells every tab that listens. */
export async function tellAll(tell: Tell): Promise<void> {
	const tabs = await chrome.tabs.query({});
	await Promise.all(tabs.map((tab) => tab.id !== undefined && tellTab(tab.id, tell)));
}

/** Tells a tab; one that has no content script, or none any more, does not listen. */
export async function tellTab(tab: number, tell: Tell): Promise<void> {
	await chrome.tabs.sendMessage(tab, tell, { frameId: 0 }).catch(() => {});
}
