import { Problem } from '../api/client.ts';
import type { Change, Operation } from '../api/operations.ts';
import type { Account, Group, Highlight } from '../api/shapes.ts';
import { newID } from '../page/url.ts';
import { byTime, type ReaderEvent } from '../reader/remote.ts';
import { Writer } from '../reader/writer.ts';
import { PageState } from '../state/page.ts';
import { Board } from '../ui/board.ts';
import { type Against, Drafts } from '../ui/composer.ts';
import { Discussion } from '../ui/discussion.ts';
import { button, el } from '../ui/element.ts';
import { Filters } from '../ui/filters.ts';
import { adopt } from '../ui/host.ts';
import type { Listed } from '../ui/list.ts';
import { askName } from '../ui/name.ts';
import { paced } from '../ui/pace.ts';
import { language, say } from '../ui/say.ts';
import side from '../ui/side.css';
import style from '../ui/ui.css';
import { against } from '../ui/words.ts';
import { Flagged } from './flagged.ts';
import { withOwn } from './groups.ts';
import { ask, fromBase64, toBase64 } from './messages.ts';
import type { FromPage, ToPage } from './side-messages.ts';

// What is beside the page, in Chrome's side panel and Firefox's sidebar. It hears from the content script of the tab
// that is shown what is on its page, and writes through the background as that does.

const root = el('div', { class: 'root side', lang: language(), dir: say('direction') });
document.body.append(root);
document.documentElement.lang = language();
adopt(document, style + Filters.style + Discussion.style + side, new AbortController().signal);

/** The page of one tab, until another is shown. */
class Page {
	private readonly page = new PageState();
	private readonly writer: Writer;
	private readonly board: Board;
	private readonly lamp = el('span', { class: 'lamp' });
	private readonly drafts: Drafts;
	private readonly wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
	private me: Account | null = null;
	private group = 'public';
	private order: { placed: readonly string[]; lost: readonly string[] } = { placed: [], lost: [] };

	constructor(
		private readonly place: { url: string; title: string },
		private readonly port: chrome.runtime.Port,
		private readonly groups: readonly Group[],
		private readonly signal: AbortSignal,
	) {
		this.draw = paced(() => this.drawNow(), signal);
		const { url } = place;
		this.drafts = new Drafts((key, draft) => void ask('draft', { url, key, draft }).catch(() => {}));
		const perform = async (operation: Operation, file?: Blob) =>
			file ? ask('attach', { url, operation, bytes: await toBase64(file) }) : ask('perform', operation);
		this.writer = new Writer(url, perform, {
			changed: () => this.draw(),
			told: (event) => this.receive(event),
		});
		const open = (id: string) => this.say({ act: 'visit', id });
		const flagged = new Flagged(groups, open, url, signal);
		this.board = new Board(
			{
				open,
				point: (id) => this.say({ act: 'point', id }),
				putBack: (id) => this.say({ act: 'putBack', id }),
				write: (note, files) => this.write(note, files),
				readFile: async (id) => fromBase64(await ask('file', { url, id })),
				detach: (highlight, file) => void this.writer.attempt({ kind: 'detach', highlight, reply: null, file }),
				remove: (id) => void this.writer.attempt({ kind: 'delete', highlight: id }),
				groupName: (id) => withOwn(this.groups).find((group) => group.id === id)?.name ?? say('group'),
			},
			this.drafts,
			signal,
			{ Filters, Discussion },
			flagged.any ? flagged : null,
		);
		root.replaceChildren(el('header', {}, this.lamp, this.board.title), this.wrong, this.board.element);
		this.draw();
	}

	hear(told: FromPage): void {
		if ('events' in told) for (const event of told.events) this.receive(event);
		if ('order' in told) this.order = told.order;
		if ('at' in told) this.board.follow(told.at);
		this.draw();
	}

	private receive(event: ReaderEvent): void {
		switch (event.type) {
			case 'account':
				this.me = event.account;
				break;
			case 'group':
				this.group = event.group;
				break;
			case 'kept':
				this.writer.pending.keep(event.kept);
				break;
			case 'drafts':
				this.drafts.restore(event.drafts);
				this.board.discussion?.restore();
				break;
			case 'ink':
			case 'sent':
				break;
			default:
				this.page.apply(event);
		}
		this.draw();
	}

	private readonly draw: () => void;

	private drawNow(): void {
		const { pending } = this.writer;
		const { status, presence } = this.page;
		const all = new Map(pending.highlights(this.page, this.me).map((highlight) => [highlight.id, highlight]));
		const listed =
			(here: boolean) =>
			(highlight: Highlight): Listed => {
				return { highlight, here, progress: pending.progress(highlight.id) };
			};
		const named = (ids: readonly string[]) => ids.flatMap((id) => all.get(id) ?? []);
		const notes = [...all.values()].filter(({ ranges }) => ranges.length === 0).sort(byTime);
		this.lamp.className = `lamp ${status}`;
		this.lamp.title = say(status);
		this.board.show({
			status,
			presence,
			me: this.me,
			waiting: pending.waiting,
			placed: named(this.order.placed).map(listed(true)),
			lost: named(this.order.lost).map(listed(false)),
			notes: notes.map(listed(true)),
		});
	}

	private async write(note: string, files: readonly File[]): Promise<Against | null> {
		if (!this.me && !(await this.introduce())) return { words: say('needsName'), stale: false };
		const { url, title } = this.place;
		const highlight = { id: newID(), url, title, group: this.group, ranges: [], color: 'yellow', note, tags: [] };
		const change: Change = { kind: 'create', highlight };
		const against = await this.writer.attempt(change);
		if (against === null) void this.attach(highlight.id, files);
		return against;
	}

	private async attach(highlight: string, files: readonly File[]): Promise<void> {
		const against = await this.writer.attach(highlight, null, files);
		this.wrong.textContent = against.join(' ');
		this.wrong.hidden = against.length === 0;
	}

	private introduce(): Promise<boolean> {
		return askName(
			root,
			async (name) => {
				try {
					this.me = await ask('signUp', { name });
					return null;
				} catch (cause) {
					return cause instanceof Problem ? against(name, cause) : say('noAnswer');
				}
			},
			async () => {
				this.me = (await ask('signIn', {}).catch(() => null)) ?? this.me;
				return this.me !== null;
			},
			this.signal,
		);
	}

	private say(told: ToPage): void {
		this.port.postMessage(told);
	}
}

/** The tab that it is for, where it is not beside one. */
const own = Number(new URLSearchParams(location.search).get('tab')) || null;

let shown: AbortController | null = null;

/** Shows the page of the tab that is looked at, and again when it becomes another one. */
async function follow(): Promise<void> {
	shown?.abort();
	const end = new AbortController();
	shown = end;
	const [active] = await chrome.tabs.query({ active: true, currentWindow: true });
	const tab = own ?? active?.id;
	const { groups } = await ask('settings', { origin: '' });
	if (end.signal.aborted) return;
	if (tab === undefined) return showOff(null);
	const port = chrome.tabs.connect(tab, { name: 'side', frameId: 0 });
	end.signal.addEventListener('abort', () => port.disconnect());
	let page: { is: Page; end: AbortController } | null = null;
	let heard = false;
	port.onMessage.addListener((told: FromPage) => {
		if (end.signal.aborted) return;
		heard = true;
		if ('off' in told) {
			page?.end.abort();
			page = null;
			showOff(told.off);
		} else if ('place' in told) {
			page?.end.abort();
			const own = new AbortController();
			page = { is: new Page(told.place, port, groups, AbortSignal.any([end.signal, own.signal])), end: own };
		} else page?.is.hear(told);
	});
	port.onDisconnect.addListener(() => {
		void chrome.runtime.lastError; // a page without a content script: a page of the browser, a PDF
		if (!heard && !end.signal.aborted) showOff(null);
	});
}

/** Limn is off for the site that is shown, or cannot be on. */
function showOff(off: { origin: string; near: boolean; unreadable: boolean } | null): void {
	const words = !off ? say('cannotHighlight') : off.unreadable ? say('noPDF') : say(off.near ? 'near' : 'turnOn');
	const box = el('div', { class: 'off' }, el('p', {}, words));
	if (off && !off.unreadable) {
		const turnOn = () => void ask('site', { origin: off.origin, on: true });
		const host = new URL(off.origin).host;
		box.append(
			button({ class: 'main' }, say('turnOnFor', host), turnOn, shown?.signal ?? new AbortController().signal),
		);
	}
	root.replaceChildren(el('header', {}, el('h2', {}, 'limn')), box);
}

if (own === null) chrome.tabs.onActivated.addListener(() => void follow());
chrome.tabs.onUpdated.addListener((id, change, tab) => {
	if ((own === null ? tab.active : id === own) && change.status === 'complete') void follow();
});
void follow();
