import { cleanName, PERSON_COLORS, type User } from "../together/presence.ts";
import { swatch } from "./swatch.ts";

interface YouProps {
  readonly user: User;
  readonly onUser: (user: User) => void;
}

/** This person's name and colour. */
export function You({ user, onUser }: YouProps) {
  return (
    <>
      <label>
        Your name
        <input
          defaultValue={user.name}
          maxLength={40}
          onChange={({ currentTarget }) => {
            const name = cleanName(currentTarget.value);
            if (name !== "") onUser({ ...user, name });
          }}
        />
      </label>
      <fieldset className="swatches">
        <legend>Your colour</legend>
        {PERSON_COLORS.map((color, index) => (
          <button
            key={color}
            type="button"
            className="swatch"
            aria-label={`Colour ${index + 1}`}
            aria-pressed={user.color === color}
            style={swatch(color)}
            onClick={() => onUser({ ...user, color })}
          />
        ))}
      </fieldset>
    </>
  );
}
