/** Which keys do what. */
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';

const KEYS = [
  ['/', 'filter tags'],
  ['↑ ↓, j k', 'select a tag in the table'],
  ['Enter', 'change the shares of the selected tag'],
  ['Escape', 'leave a box'],
  ['d', 'choose the device'],
  ['m', 'operations, bytes, cost'],
  ['r', 'how far back the charts go'],
  ['t', 'light, dark, as the system'],
  ['?', 'this list'],
] as const;

export function Help({ open, close }: { open: boolean; close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
