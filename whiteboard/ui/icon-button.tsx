import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";

interface IconButtonProps extends ComponentProps<"button"> {
  readonly icon: LucideIcon;
  readonly label: string;
  /** Shown beside the label when somebody points at it. */
  readonly shortcut?: string;
}

export function IconButton({ icon: Icon, label, shortcut, className = "", ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${className}`}
      aria-label={label}
      title={shortcut === undefined ? label : `${label}  ${shortcut}`}
      {...rest}
    >
      <Icon size={18} strokeWidth={1.8} aria-hidden="true" />
    </button>
  );
}
