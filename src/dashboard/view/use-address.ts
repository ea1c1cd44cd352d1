/** What the page shows, kept in the fragment of its address. */
import { useEffect, useState } from 'preact/hooks';
import { formatAddress, parseAddress, type Address } from '../data/address.js';

export function useAddress(): [address: Address, change: (part: Partial<Address>) => void] {
  const [address, setAddress] = useState(() => parseAddress(location.hash));
  useEffect(() => {
    const follow = (): void => setAddress(parseAddress(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    const fragment = formatAddress(address);
    // In the place of the one before: a step back leaves the page, not the last choice.
    if (fragment !== location.hash) history.replaceState(null, '', fragment === '' ? location.pathname : fragment);
  }, [address]);
  return [address, (part) => setAddress((before) => ({ ...before, ...part }))];
}
