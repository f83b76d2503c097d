import { Client, type Session } from '../api/client.ts';
import { fields, text } from '../api/narrow.ts';
import type { Operation } from '../api/operations.ts';
import { account, type Group, type PageEvent } from '../api/shapes.ts';
import { isInk } from '../paint/inks.ts';
import type { ReaderEvent } from '../reader/remote.ts';
import { badge } from './badge.ts';
import { draftsOf, keepDraft } from './drafts.ts';
import {
	type Answer,
	type Ask,
	type Frame,
	frameOf,
	fromBase64,
	ownAsks,
	partsOf,
	type Settings,
	type Tell,
	toBase64,
	wrap,
} from './messages.ts';
import { Near } from './near.ts';
import { Queue } from './queue.ts';
import { Sender } from './sender.ts';
import { forget, isOn, keep, recall, sites } from './settings.ts';
import { signIn } from './sign-in.ts';

/** Where the stream is held: in the background itself, or in Chrome's offscreen document. */
export interface Streams {
	watch(frame: Frame, url: string): Promise<void>;
	leave(frame: Frame, url: string | null): void;
	close(tab: number): void;
	/** Begins the stream anew with a token; with the one that it has only if it is to. */
	restart(token: string | null, anyway?: boolean): void;
	tell(url: string, events: PageEvent[]): void;
	nudge(): void;
	/** Sends a file that waits in the queue, and tells those who show its page how much of it is sent. */
	upload(operation: Operation, token: string): Promise<PageEvent>;
}

/** How often what waits is tried again while no page is open that would say that the server answers, in minutes. */
const retry = 1;

/**
 * What content scripts and the extension's pages ask is answered here, where the token is. A content script gets the
 * events and answers for its own site and nothing else.
 */
export class Backend {
	private readonly queue = new Queue();
	private readonly sender: Sender;
	private readonly near: Near;

	constructor(
		private readonly server: Promise<string>,
		private readonly streams: Streams,
	) {
		this.near = new Near(async () => new Client(await server, () => null));
		this.sender = new Sender(
			this.queue,
			async () => {
				const identity = await recallIdentity();
				return identity && { client: new Client(await server, () => identity.token), account: identity.account.id };
			},
			async (operation) => streams.upload(operation, (await recallIdentity())?.token ?? ''),
			{
				done: ({ url }, event) => streams.tell(url, [event]),
				changed: () => void this.changed(),
				answered: () => streams.nudge(),
				refused: () => this.refused(),
			},
		);
	}

	/** Begins to answer. What was left unsent is sent. */
	listen(): void {
		chrome.runtime.onMessage.addListener((message: unknown, sender, respond: (answer: Answer) => void) => {
			const asked = this.check(message, sender);
			if (!asked) return false;
			const frame = sender.tab?.id === undefined ? null : frameOf(sender.tab.id, sender.frameId ?? 0);
			this.answer(asked, frame)
				.then((ok) => respond({ ok }))
				.catch((cause: unknown) => respond(wrap(cause)));
			return true; // the answer comes later
		});
		chrome.tabs.onRemoved.addListener((tab) => this.streams.close(tab));
		chrome.alarms.onAlarm.addListener(() => void this.sender.flush());
		void this.sender.flush();
		void this.refreshGroups();
	}

	/** What happened to a page, on its way to a frame that shows it. */
	deliver(frame: Frame, url: string, events: ReaderEvent[]): void {
		const { tab, frameId } = partsOf(frame);
		for (const event of events) {
			if (event.type === 'live') void this.sender.flush(); // the server answers again
			if (event.type === 'status' && frameId === 0) badge(tab, event.status);
		}
		void tell(frame, { tell: 'events', url, events });
	}

	/** The server knows the token no more: one is nobody again, until a name is given. */
	async refused(): Promise<void> {
		await this.identify(null);
	}

	/** A question, if it comes from one of our own pages or from our content script. */
	private check(message: unknown, sender: chrome.runtime.MessageSender): Ask | null {
		if (sender.id !== chrome.runtime.id || typeof message !== 'object' || message === null || !('ask' in message)) {
			return null;
		}
		const asked = message as Ask;
		if (sender.url?.startsWith(chrome.runtime.getURL(''))) return asked;
		// What names a page must name one of the site that the script runs in: a site whose renderer is taken over
		// learns of no other.
		if (!sender.tab?.id || !sender.url || ownAsks.has(asked.ask)) return null;
		const { origin } = new URL(sender.url);
		const named = asked.with;
		if ('origin' in named && named.origin !== origin) return null;
		if ('url' in named && new URL(named.url).origin !== origin) return null;
		return asked;
	}

	private async answer(asked: Ask, frame: Frame | null): Promise<unknown> {
		const identity = await recallIdentity();
		const client = new Client(await this.server, () => identity?.token ?? null);
		switch (asked.ask) {
			case 'settings':
				return this.settings(asked.with.origin);
			case 'watch':
				if (frame === null) return null;
				await this.streams.watch(frame, asked.with.url);
				// What one has done and typed here, and the server does not have.
				await tell(frame, { tell: 'kept' });
				await tell(frame, { tell: 'events', url: asked.with.url, events: [await draftsOf(asked.with.url)] });
				return null;
			case 'leave':
				if (frame !== null) this.streams.leave(frame, asked.with.url);
				return null;
			case 'group':
				await keep('group', asked.with.group);
				return null;
			case 'ink':
				await keep('ink', asked.with.ink);
				return null;
			case 'signUp':
				return this.identify(await client.signUp(asked.with.name));
			case 'signIn': {
				const session = await signIn(client);
				return session && this.identify(session);
			}
			case 'signOut':
				return this.identify(null);
			case 'perform':
				return this.sender.perform(asked.with);
			case 'attach': {
				const { url, operation, bytes } = asked.with;
				return this.sender.perform({ ...operation, url }, fromBase64(bytes));
			}
			case 'file':
				return toBase64(await client.readAttachment(asked.with.id));
			case 'flag':
				return client.flag(asked.with.highlight, asked.with.reason).then(() => null);
			case 'moderate':
				return client.moderate(asked.with.highlight, asked.with.act).then(() => null);
			case 'flags':
				return client.listFlags(asked.with.group);
			case 'kept':
				return this.queue.list(asked.with.url);
			case 'settle': {
				const { url, operation, again } = asked.with;
				if (!(await this.queue.list(url)).some((kept) => kept.operation.id === operation)) return null;
				await (again ? this.queue.refuse(operation, null) : this.queue.remove(operation));
				if (again) await this.sender.flush();
				await this.changed();
				return null;
			}
			case 'history':
				return client.listHistory(asked.with.highlight);
			case 'draft':
				await keepDraft(asked.with);
				return null;
			case 'near': {
				const { url } = asked.with;
				const { chosen } = await sites();
				const near = chosen[new URL(url).origin] !== false && (await this.near.has(url));
				if (frame !== null) badge(partsOf(frame).tab, near ? 'near' : null);
				return near;
			}
			case 'site': {
				const all = await sites();
				const { [asked.with.origin]: _, ...chosen } = all.chosen;
				if (asked.with.on !== null) chosen[asked.with.origin] = asked.with.on;
				await keep('sites', { ...all, chosen });
				await tellAll({ tell: 'settings' });
				return null;
			}
			case 'everywhere':
				await keep('sites', { ...(await sites()), everywhere: asked.with.on });
				await tellAll({ tell: 'settings' });
				return null;
			case 'sites':
				return sites();
			case 'groups':
				return this.refreshGroups();
			case 'createGroup':
			case 'joinGroup': {
				const group = await (asked.ask === 'createGroup'
					? client.createGroup(asked.with.name)
					: client.acceptInvite(asked.with.code));
				await keep('group', group.id); // what one has just joined is what one marks for next
				this.streams.restart(identity?.token ?? null, true); // its highlights are to be seen now
				await this.refreshGroups();
				return group;
			}
			case 'invite':
				return client.createInvite(asked.with.group);
		}
	}

	private async changed(): Promise<void> {
		if ((await this.queue.count()) > 0) await chrome.alarms.create('send', { periodInMinutes: retry });
		else await chrome.alarms.clear('send');
		await tellAll({ tell: 'kept' });
	}

	/** Asks which groups one is in, and has the pages know. What was known stays if the server does not answer. */
	private async refreshGroups(): Promise<readonly Group[]> {
		const identity = await recallIdentity();
		const before = await knownGroups();
		const client = new Client(await this.server, () => identity?.token ?? null);
		const groups = identity ? await client.listGroups().catch(() => before) : [];
		if (JSON.stringify(groups) === JSON.stringify(before)) return groups;
		await keep('groups', groups);
		await tellAll({ tell: 'settings' });
		return groups;
	}

	private async identify(session: Session | null) {
		if (session) await keep('identity', session);
		else await forget('identity');
		this.streams.restart(session?.token ?? null);
		await tellAll({ tell: 'settings' });
		void this.refreshGroups();
		if (session) void this.sender.flush();
		return session?.account ?? null;
	}

	private async settings(origin: string): Promise<Settings> {
		const server = await this.server;
		const ink = await recall('ink');
		const group = await recall('group');
		return {
			server,
			account: (await recallIdentity())?.account ?? null,
			groups: await knownGroups(),
			group: typeof group === 'string' ? group : 'public',
			ink: isInk(ink) ? ink : 'yellow',
			on: isOn(await sites(), origin) && origin !== server,
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

async function knownGroups(): Promise<readonly Group[]> {
	return ((await recall('groups')) ?? []) as readonly Group[];
}

/** Tells every frame that listens. */
export async function tellAll(told: Tell): Promise<void> {
	const tabs = await chrome.tabs.query({});
	await Promise.all(tabs.map(({ id }) => id !== undefined && chrome.tabs.sendMessage(id, told).catch(() => {})));
}

/** Tells a frame; one that has no content script, or none any more, does not listen. */
async function tell(frame: Frame, told: Tell): Promise<void> {
	const { tab, frameId } = partsOf(frame);
	await chrome.tabs.sendMessage(tab, told, { frameId }).catch(() => {});
}
