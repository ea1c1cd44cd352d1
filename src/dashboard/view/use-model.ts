/** A component that is drawn again when the model has changed. */
import { useEffect, useState } from 'preact/hooks';
import type { Model } from '../data/model.js';

export function useModel(model: Model): number {
  const [version, setVersion] = useState(model.version);
  useEffect(() => {
    let frame = 0;
    const stop = model.subscribe(() => {
      // Many changes, one drawing.
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setVersion(model.version);
      });
    });
    setVersion(model.version);
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [model]);
  return version;
}
