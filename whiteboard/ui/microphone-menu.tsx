import { Check, ChevronDown } from "lucide-react";
import { useEffect, useState } from "react";
import type { Call, DeviceState } from "../../client/index.ts";
import type { Editor } from "../editor/editor.ts";

interface MicrophoneMenuProps {
  readonly editor: Editor;
  readonly call: Call;
  readonly microphone: DeviceState;
}

/** The microphones of this device. Nobody in the call notices a change. */
export function MicrophoneMenu({ editor, call, microphone }: MicrophoneMenuProps) {
  const devices = useMicrophones(microphone.type === "on");
  const used = microphone.type === "on" ? microphone.deviceId : null;
  const choose = (deviceId: string) => {
    document.getElementById("microphones")?.hidePopover();
    call
      .setInputDevice(deviceId)
      .catch(() => editor.notify("That microphone can’t be used. The one before is used on."));
  };
  return (
    <>
      <button
        type="button"
        className="icon-button devices"
        aria-label="Choose a microphone"
        title="Choose a microphone"
        popoverTarget="microphones"
      >
        <ChevronDown size={16} aria-hidden="true" />
      </button>
      <div id="microphones" popover="auto" className="menu panel microphones">
        {devices.length === 0 && <p className="caption">No microphone was found.</p>}
        {devices.map(({ deviceId, label }, index) => (
          <button key={deviceId} type="button" aria-pressed={deviceId === used} onClick={() => choose(deviceId)}>
            <Check size={15} aria-hidden="true" style={{ opacity: deviceId === used ? 1 : 0 }} />
            {label === "" ? `Microphone ${index + 1}` : label}
          </button>
        ))}
      </div>
    </>
  );
}

/** @param isAllowed browsers name devices only to whom they let use one */
function useMicrophones(isAllowed: boolean): readonly MediaDeviceInfo[] {
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is another one once a device is allowed
  useEffect(() => {
    // Absent where the page is no secure context.
    const source: MediaDevices | undefined = navigator.mediaDevices;
    let isCurrent = true;
    const read = async () => {
      const all = (await source?.enumerateDevices().catch(() => null)) ?? [];
      if (isCurrent) setDevices(all.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== ""));
    };
    void read();
    source?.addEventListener("devicechange", read);
    return () => {
      isCurrent = false;
      source?.removeEventListener("devicechange", read);
    };
  }, [isAllowed]);
  return devices;
}
