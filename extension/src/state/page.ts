import type { Attachment, Highlight, PageEvent, Presence, Reply, Status } from '../api/shapes.ts';

/**
 * What one page holds, as far as its reader may see: highlights and replies by their id, who is here, and how it
 * stands with the server. It is only ever changed by events, in their order.
 */
export class PageState {
	readonly highlights = new Map<string, Highlight>();
	presence: Presence = { viewers: [], anonymous: 0, news: [] };
	status: Status = 'connecting';

	/** Replies by highlight, also of highlights that have yet to come: a later change comes later. */
	private readonly threads = new Map<string, Map<string, Reply>>();
	/** What is gone, with the number it had: only a later change brings it back. */
	private readonly removed = new Map<string, number>();
	/** What was held when the server began anew: what it does not send again is gone. */
	private unconfirmed: Set<string> | null = null;

	apply(event: PageEvent): void {
		switch (event.type) {
			case 'highlight':
				this.put(event.highlight, this.highlights);
				break;
			case 'reply':
				this.put(event.reply, this.thread(event.reply.highlight));
				break;
			case 'removed':
				this.remove(event.id);
				break;
			case 'attachment': {
				const { highlight, reply, file, gone } = event;
				const held: Map<string, Highlight | Reply> = reply === null ? this.highlights : this.thread(highlight);
				const on = held.get(reply ?? highlight);
				if (on) held.set(on.id, { ...on, attachments: withFile(on.attachments, file, gone) });
				break;
			}
			case 'resync':
				this.unconfirmed = new Set([...this.highlights.keys(), ...this.replies().map((reply) => reply.id)]);
				this.removed.clear();
				break;
			case 'live':
				for (const id of this.unconfirmed ?? []) this.remove(id);
				this.unconfirmed = null;
				this.status = 'live';
				break;
			case 'presence':
				this.presence = event.presence;
				break;
			case 'status':
				this.status = event.status;
				break;
		}
	}

	/** The thread under a highlight, oldest first. */
	repliesTo(highlight: string): Reply[] {
		return [...(this.threads.get(highlight)?.values() ?? [])].sort(
			(a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id),
		);
	}

	/** The events that make another state the same as this one. */
	snapshot(): PageEvent[] {
		return [
			{ type: 'resync' },
			...[...this.highlights.values()].map((highlight) => ({ type: 'highlight', highlight }) as const),
			...this.replies().map((reply) => ({ type: 'reply', reply }) as const),
			{ type: 'presence', presence: { ...this.presence, news: [] } },
			...(this.status === 'connecting' ? [] : [{ type: 'live' } as const]),
			{ type: 'status', status: this.status },
		];
	}

	private replies(): Reply[] {
		return [...this.threads.values()].flatMap((thread) => [...thread.values()]);
	}

	private thread(highlight: string): Map<string, Reply> {
		const thread = this.threads.get(highlight) ?? new Map<string, Reply>();
		this.threads.set(highlight, thread);
		return thread;
	}

	/** The answer to a request may come after the stream has told what came later: the later one stays. */
	private put<T extends { id: string; seq: number }>(next: T, held: Map<string, T>): void {
		const old = held.get(next.id);
		if (!this.unconfirmed?.delete(next.id)) {
			if (old && old.seq > next.seq) return;
			if (!old && next.seq <= (this.removed.get(next.id) ?? -1)) return;
		}
		held.set(next.id, next);
	}

	private remove(id: string): void {
		for (const held of [this.highlights, ...this.threads.values()]) {
			const seq = held.get(id)?.seq;
			if (seq !== undefined) this.removed.set(id, seq);
			held.delete(id);
		}
		this.threads.delete(id);
	}
}

/** Files with one more, or with one less. */
export function withFile(files: Attachment[], file: Attachment, gone: boolean): Attachment[] {
	const others = files.filter(({ id }) => id !== file.id);
	return gone ? others : [...others, file];
}
