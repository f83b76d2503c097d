import { describe } from '../anchor/index.ts';
import type { Change } from '../api/operations.ts';
import type { Account, Highlight, NewHighlight } from '../api/shapes.ts';
import type { Place } from '../page/location.ts';
import { newID } from '../page/url.ts';
import type { Ink } from '../paint/inks.ts';
import { elementOf, Painter } from '../paint/painter.ts';
import { PageState } from '../state/page.ts';
import { Bar, type Then } from '../ui/bar.ts';
import type { BoardActions } from '../ui/board.ts';
import { Card, type CardActions, type Shown } from '../ui/card.ts';
import { type Against, Drafts } from '../ui/composer.ts';
import { Dots } from '../ui/dots.ts';
import { Host } from '../ui/host.ts';
import type { Listed } from '../ui/list.ts';
import { Messages } from '../ui/message.ts';
import { askName } from '../ui/name.ts';
import { paced } from '../ui/pace.ts';
import { Panel } from '../ui/panel.ts';
import { say } from '../ui/say.ts';
import { wet } from '../ui/wet.ts';
import { against, failure } from '../ui/words.ts';
import { followPointer } from './pointer.ts';
import { byTime, moderates, type ReaderEvent, type Remote } from './remote.ts';
import { followSelection, type Selected, selected } from './selection.ts';
import { followSurroundings } from './surroundings.ts';
import { Writer } from './writer.ts';

/** A page that is read, as what is beside it sees and steers it. */
export interface Reading {
	/** Highlights what is selected in the last ink, as the bar does. */
	mark(): void;
	/** Goes to a highlight and opens its card. */
	visit(id: string): void;
	/** Draws a line under a highlight, or under none. */
	point(id: string | null): void;
	/** Gives a highlight that has lost its place the one that is selected, or asks for it. */
	putBack(id: string): void;
	/** Tells all that the reader knows and learns, until the signal ends it. */
	overhear(listen: (told: Overheard) => void, signal: AbortSignal): void;
}

/** What the reader learned, in which order highlights stand on the page, and which one is looked at. */
export type Overheard =
	| { events: readonly ReaderEvent[] }
	| { order: { placed: readonly string[]; lost: readonly string[] } }
	| { at: string | null };

/** Reads one page together with others, until the signal ends it. */
export function read(place: Place, remote: Remote, signal: AbortSignal): Reading {
	const reader = new Reader(place, remote, signal);
	reader.start();
	return reader;
}

class Reader implements Reading {
	private readonly page = new PageState();
	private readonly host: Host;
	private readonly painter: Painter;
	private readonly bar: Bar;
	private readonly dots: Dots;
	private readonly panel: Panel;
	private readonly overhearing = new Set<(told: Overheard) => void>();
	private order: { placed: string[]; lost: string[] } = { placed: [], lost: [] };
	private readonly messages: Messages;
	private readonly writer: Writer;
	private readonly drafts: Drafts;
	private card: Card | null = null;
	/** Where the card was opened, when several highlights are there. */
	private stack: string[] = [];
	private me: Account | null = null;
	private group: string;
	private ink: Ink = 'yellow';
	/** How much of each file is sent. */
	private readonly sent = new Map<string, number>();
	/** The highlight whose new place is being asked for. */
	private homeless: string | null = null;

	constructor(
		private readonly place: Place,
		private readonly remote: Remote,
		private readonly signal: AbortSignal,
	) {
		this.draw = paced(() => this.drawNow(), signal);
		this.group = remote.groups[0]?.id ?? 'public';
		this.host = new Host(signal);
		this.painter = new Painter(document, signal);
		this.writer = new Writer(place.url, (operation, file) => remote.perform(operation, file), {
			changed: (id) => this.show(id),
			told: (event) => this.receive(event),
		});
		this.drafts = new Drafts((key, draft) => remote.keepDraft(place.url, key, draft));
		const point = (id: string | null) => this.painter.underline(id);
		this.dots = new Dots(this.host, { open: (id) => this.open(id, true), point }, signal);
		const board: BoardActions = {
			open: (id) => this.visit(id),
			point,
			putBack: (id) => void this.putBack(id),
			write: (note, files) => this.write(note, files),
			readFile: (id) => remote.readFile(place.url, id),
			detach: (highlight, file) => void this.attempt({ kind: 'detach', highlight, reply: null, file }),
			remove: (id) => void this.remove(id),
			groupName: (id) => this.groupName(id),
		};
		this.panel = new Panel(this.host, board, this.drafts, !remote.framed, remote.besides, signal);
		this.messages = new Messages(this.host, signal);
		const groups = {
			all: () => remote.groups,
			chosen: () => this.group,
			choose: (group: string) => {
				this.group = group;
				remote.chooseGroup(group);
			},
		};
		const marking = {
			mark: (ink: Ink | null, then?: Then) => void this.mark(ink, then),
			putBack: () => void (this.homeless && this.putBack(this.homeless)),
		};
		this.bar = new Bar(this.host, marking, groups, signal);
	}

	start(): void {
		this.remote.watch(this.place.url, (event) => this.receive(event), this.signal);
		this.painter.changes.addEventListener('change', () => this.draw(), { signal: this.signal });
		followSelection(this.host, this.bar, this.signal);
		const over = (ids: string[]) => this.painter.underline(ids[0] ?? this.card?.id ?? null);
		followPointer(this.host, this.painter, { over, click: (ids) => this.click(ids) }, this.signal);
		const recolored = () => this.painter.recolor();
		const scrolled = () => this.dots.partial && this.draw();
		followSurroundings({ moved: () => this.draw(), scrolled, recolored }, this.signal);
		this.signal.addEventListener('abort', () => this.card?.close());
	}

	private receive(event: ReaderEvent): void {
		this.tell({ events: [event] });
		switch (event.type) {
			case 'account':
				this.me = event.account;
				return this.draw();
			case 'group': // one that was left since may not be chosen any more
				if (this.remote.groups.some(({ id }) => id === event.group)) this.group = event.group;
				return;
			case 'ink':
				this.ink = event.ink;
				return;
			case 'kept':
				for (const id of this.writer.pending.keep(event.kept)) this.show(id);
				return this.draw();
			case 'sent':
				this.sent.set(event.file, event.part);
				return this.draw();
			case 'drafts':
				this.drafts.restore(event.drafts);
				this.card?.restore();
				this.panel.board.discussion?.restore();
				return;
		}
		const held = event.type === 'removed' || event.type === 'live' ? [...this.page.highlights.keys()] : [];
		const known = event.type === 'highlight' && this.shown(event.highlight.id) !== null;
		this.page.apply(event);
		if (event.type === 'highlight') {
			const { highlight } = event;
			const news = !known && this.page.status === 'live';
			this.show(highlight.id);
			if (news) requestAnimationFrame(() => this.dry(highlight));
		}
		for (const id of held) if (!this.page.highlights.has(id)) this.show(id);
		this.draw();
	}

	private dry({ id, color }: Highlight): void {
		for (const range of this.painter.ranges(id)) wet(this.host, range, color);
	}

	/** Paints a highlight as it is now, or no more. */
	private show(id: string): void {
		const highlight = this.writer.pending.highlight(this.page, id, this.me);
		if (highlight) this.painter.put(highlight);
		else {
			this.painter.remove(id);
			if (this.card?.id === id) this.card.gone();
		}
		this.draw();
	}

	/** Draws what has changed. */
	private readonly draw: () => void;

	private drawNow(): void {
		const { pending } = this.writer;
		const all = pending.highlights(this.page, this.me);
		const dotted = all.flatMap((highlight) => {
			const [range] = this.painter.ranges(highlight.id);
			const mine = highlight.author.id === this.me?.id;
			return range ? [{ highlight, mine, range, dark: this.painter.isDark(highlight.id) }] : [];
		});
		this.dots.show(dotted);
		const listed =
			(here: boolean) =>
			(highlight: Highlight): Listed => {
				return { highlight, here, progress: pending.progress(highlight.id) };
			};
		const placed = dotted
			.sort((a, b) => a.range.compareBoundaryPoints(Range.START_TO_START, b.range))
			.map(({ highlight }) => listed(true)(highlight));
		const lost = all
			.filter(({ id, ranges }) => ranges.length > 0 && this.painter.ranges(id).length === 0)
			.map(listed(false));
		const notes = all
			.filter(({ ranges }) => ranges.length === 0)
			.sort(byTime)
			.map(listed(true));
		const { status, presence } = this.page;
		this.panel.show({ status, presence, me: this.me, waiting: pending.waiting, placed, lost, notes });
		this.tellOrder({ placed: placed.map(idOf), lost: lost.map(idOf) });
		const shown = this.card && this.shown(this.card.id);
		if (shown) this.card?.update(shown);
	}

	private groupName(id: string): string {
		return this.remote.groups.find((group) => group.id === id)?.name ?? say('group');
	}

	private tell(told: Overheard): void {
		for (const listen of this.overhearing) listen(told);
	}

	private tellOrder(order: { placed: string[]; lost: string[] }): void {
		const same = (a: string[], b: string[]) => a.length === b.length && a.every((id, i) => id === b[i]);
		if (same(order.placed, this.order.placed) && same(order.lost, this.order.lost)) return;
		this.order = order;
		this.tell({ order });
	}

	overhear(listen: (told: Overheard) => void, signal: AbortSignal): void {
		const events: ReaderEvent[] = [
			{ type: 'account', account: this.me },
			{ type: 'group', group: this.group },
			...this.page.snapshot(),
			{ type: 'kept', kept: this.writer.pending.all },
		];
		listen({ events });
		listen({ order: this.order });
		this.overhearing.add(listen);
		signal.addEventListener('abort', () => this.overhearing.delete(listen));
	}

	point(id: string | null): void {
		this.painter.underline(id);
	}

	private shown(id: string): Shown | null {
		const { pending } = this.writer;
		const highlight = pending.highlight(this.page, id, this.me);
		return (
			highlight && {
				highlight,
				replies: pending.replies(this.page, id, this.me),
				me: this.me,
				progress: pending.progress(id),
				refused: pending.refused(id),
				here: this.painter.ranges(id).length > 0,
				unsent: new Map(
					[...pending.files(id)].map(([file, how]) => [file, how === 'waiting' ? null : (this.sent.get(file) ?? 0)]),
				),
			}
		);
	}

	// What is selected.

	private selected(): Selected | null {
		return selected(document, (node) => this.host.contains(node));
	}

	/** Marks what is selected: painted at once, taken back if the server refuses. */
	async mark(ink: Ink | null = null, then?: Then): Promise<void> {
		const now = this.selected();
		if (!now) return this.messages.show(say('selectFirst'));
		if (ink && ink !== this.ink) this.remote.chooseInk(ink);
		this.ink = ink ?? this.ink;
		const highlight = { ...this.blank(), ranges: now.ranges.map((range) => describe(range, now.backward)) };
		this.bar.hide();
		if (!(await this.known())) return;
		document.getSelection()?.removeAllRanges();
		void this.save(highlight);
		if (then === 'link') void this.copyLink(highlight.id);
		if (then === 'note') {
			this.open(highlight.id, false);
			this.card?.write();
		}
	}

	/** A highlight of the whole page, on which nothing is written yet. */
	private blank(): NewHighlight {
		const { url } = this.place;
		const title = document.title.trim();
		return { id: newID(), url, title, group: this.group, ranges: [], color: this.ink, note: '', tags: [] };
	}

	private async save(highlight: NewHighlight): Promise<void> {
		if (!(await this.known())) return;
		this.messages.hide();
		try {
			await this.writer.perform({ kind: 'create', highlight });
		} catch (cause) {
			if (this.page.highlights.has(highlight.id)) return; // the stream told that it was saved after all
			// Asked again under the same id, it is stored once even if the first request did arrive.
			const remedy = { label: say('tryAgain'), act: () => void this.save(highlight) };
			this.messages.show(say('notSaved', failure(cause)), remedy);
		}
	}

	/** Gives a highlight that has lost its place the one that is selected, or asks for it. */
	async putBack(id: string): Promise<void> {
		const highlight = this.page.highlights.get(id);
		if (!highlight) return;
		const now = this.selected();
		this.homeless = now ? null : id;
		this.bar.ask(!now);
		if (!now) {
			this.panel.leave();
			this.card?.leave();
			const cancel = () => {
				this.homeless = null;
				this.bar.ask(false);
			};
			return this.messages.show(say('putBackWhere'), { label: say('cancel'), act: cancel }, 'until done');
		}
		this.bar.hide();
		this.messages.hide();
		document.getSelection()?.removeAllRanges();
		const ranges = now.ranges.map((range) => describe(range, now.backward));
		const { version } = highlight;
		const against = await this.writer.attempt({ kind: 'reanchor', highlight: id, ranges, version });
		if (against) return this.messages.show(say('notPutBack', against.words));
		this.open(id, false);
	}

	/** Whether one has a name: it is asked for, once. */
	private async known(): Promise<boolean> {
		if (this.me) return true;
		const { signIn } = this.remote;
		return askName(
			this.host.root,
			async (name) => {
				try {
					this.me = await this.remote.signUp(name);
					return null;
				} catch (cause) {
					return against(name, cause);
				}
			},
			signIn &&
				(async () => {
					this.me = (await signIn().catch(() => null)) ?? this.me;
					return this.me !== null;
				}),
			this.signal,
		);
	}

	// The card of a highlight.

	private click(ids: string[]): void {
		if (ids[0] !== undefined) {
			this.stack = ids;
			this.open(ids[0], false);
		} else {
			this.card?.leave();
			this.panel.leave();
		}
	}

	private open(id: string, byDot: boolean): void {
		const shown = this.shown(id);
		if (!shown) return;
		if (byDot) this.stack = [id];
		this.card?.close();
		this.bar.hide();
		this.panel.leave();
		const card = new Card(
			this.host,
			shown,
			{
				edit: (highlight, edit, version) =>
					this.attempt({ kind: 'edit', highlight, edit, ...(version === undefined ? {} : { version }) }),
				reply: (highlight, note, files) => this.reply(highlight, note, files),
				attach: (id, files) => void this.attach(id, null, files),
				detach: (highlight, reply, file) => void this.attempt({ kind: 'detach', highlight, reply, file }),
				readFile: (id) => this.remote.readFile(this.place.url, id),
				...this.moderation(shown.highlight),
				remove: (id) => void this.remove(id),
				removeReply: ({ id, highlight }) => this.attempt({ kind: 'deleteReply', highlight, reply: id }),
				putBack: (id) => void this.putBack(id),
				copyLink: (id) => void this.copyLink(id),
				groupName: (id) => this.groupName(id),
				history: (id) => this.remote.listHistory(this.place.url, id),
				settle: (operation, again) => this.remote.settle(this.place.url, operation, again),
				closed: (id) => {
					if (this.card?.id === id) this.card = null;
					this.tell({ at: null });
					if (!this.shown(id) && !this.signal.aborted) this.discard(id);
					this.dots.expand(null);
					this.painter.underline(null);
					if (byDot) this.dots.focus(id);
				},
			},
			this.drafts,
		);
		this.card = card;
		this.turn(0);
		this.tell({ at: id });
		this.panel.board.follow(id);
		this.dots.expand(id);
		this.painter.underline(id);
		card.place(this.painter.ranges(id)[0] ?? null);
		card.focus();
	}

	private turn(step: number): void {
		const at = this.stack.indexOf(this.card?.id ?? '');
		const next = this.stack.at((at + step) % this.stack.length);
		if (step !== 0 && next) return this.open(next, false);
		this.card?.offer(at + 1, this.stack.length, (step) => this.turn(step));
	}

	/** Goes to a highlight on the page and opens it. */
	visit(id: string): void {
		const [range] = this.painter.ranges(id);
		if (range) elementOf(range)?.scrollIntoView({ block: 'center', behavior: 'instant' });
		const shown = this.shown(id);
		if (shown) this.dry(shown.highlight);
		this.stack = [id];
		this.open(id, false);
	}

	// What is done to a highlight.

	/** Makes a change that needs a name; null when it is done, else what stands against it. */
	private async attempt(change: Change): Promise<Against | null> {
		return (await this.known()) ? this.writer.attempt(change) : { words: say('needsName'), stale: false };
	}

	private async reply(highlight: string, note: string, files: readonly File[]): Promise<Against | null> {
		const reply = { id: newID(), highlight, note };
		const against = await this.attempt({ kind: 'reply', reply });
		if (against === null) void this.attach(highlight, reply.id, files);
		return against;
	}

	/** Writes on the whole page. */
	private async write(note: string, files: readonly File[]): Promise<Against | null> {
		const highlight = { ...this.blank(), note };
		const against = await this.attempt({ kind: 'create', highlight });
		if (against === null) void this.attach(highlight.id, null, files);
		return against;
	}

	private async attach(highlight: string, reply: string | null, files: readonly File[]): Promise<void> {
		const against = await this.writer.attach(highlight, reply, files);
		if (against.length > 0) this.messages.show(against.join(' '));
	}

	/** What can be asked of those who moderate a highlight's group, and what they can do. */
	private moderation({ group }: Highlight): Pick<CardActions, 'flag' | 'flags' | 'moderate'> {
		const { moderation, groups } = this.remote;
		const { url } = this.place;
		const moderated = moderation !== null && group !== 'public' && group !== 'me';
		return {
			flag: moderated ? (id, reason) => this.against(moderation.flag(url, id, reason), say('flaggedNow')) : null,
			flags:
				moderated && moderates(groups, group)
					? async (id) => (await moderation.listFlags(group)).filter(({ highlight }) => highlight.id === id)
					: null,
			moderate: async (id, act) => moderation && this.against(moderation.act(url, id, act)),
		};
	}

	private async against(request: Promise<unknown>, done?: string): Promise<Against | null> {
		try {
			await request;
			if (done) this.messages.show(done);
			return null;
		} catch (cause) {
			return { words: failure(cause), stale: false };
		}
	}

	private async remove(id: string): Promise<void> {
		const highlight = this.shown(id)?.highlight;
		if (!highlight) return;
		this.discard(id);
		this.card?.close();
		const operation = this.writer.begin({ kind: 'delete', highlight: id });
		const send = async () => {
			try {
				await this.writer.send(operation);
				return true;
			} catch (cause) {
				const remedy = { label: say('tryAgain'), act: () => void this.remove(id) };
				this.messages.show(say('notDeleted', failure(cause)), remedy);
				return false;
			}
		};
		// A thread cannot be made again: while there is time to undo it, its highlight is only hidden.
		if (highlight.replies > 0) {
			const undo = { label: say('undo'), act: () => this.writer.drop(operation) };
			return this.messages.show(say('deleted'), undo, () => void send());
		}
		if (!(await send())) return;
		const { ranges, color, note, tags, group } = highlight;
		const again = () => void this.save({ id: newID(), ...this.place, ranges, color, note, tags, group });
		this.messages.show(say('deleted'), { label: say('undo'), act: again });
	}

	/** Drops what was typed for a highlight that is gone. */
	private discard(id: string): void {
		for (const kind of ['note', 'reply']) this.drafts.drop(`${kind} ${id}`);
	}

	private async copyLink(id: string): Promise<void> {
		const link = `${this.remote.server}/h/${id}`;
		try {
			await navigator.clipboard.writeText(link);
			this.messages.show(say('linkCopied'));
		} catch {
			this.messages.show(link); // pages without TLS may not write to the clipboard: it can be copied from here
		}
	}
}

const idOf = ({ highlight }: Listed) => highlight.id;
