;; Copies UTF-8 text from one place of the memory to another with the escapes that JSON asks for, sixteen bytes at a
;; time. `escape-text.ts` holds it assembled; its test assembles this text and compares.
(module
  ;; 192 KiB: the table below, the text from 1 KiB on, the page from 16 KiB on.
  (memory (export "memory") 3)

  ;; What stands behind the backslash for each byte up to the backslash; `u` also for those that are never looked up.
  (data (i32.const 0)
    "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu"
    "uu\22uuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
    "uuuuuuuuuuuuuuuuuuuuuuuuuuuu\\")

  ;; Takes where the text begins and ends, behind which 16 bytes are free, and where its copy begins; gives where the
  ;; copy ends. Up to 15 bytes behind that are written, too.
  (func (export "escape") (param $from i32) (param $end i32) (param $to i32) (result i32)
    (local $bytes v128) (local $found i32) (local $byte i32) (local $letter i32)
    ;; Spaces behind the text, so that the last sixteen bytes need no escape there.
    (v128.store (local.get $end) (i8x16.splat (i32.const 0x20)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (v128.store (local.get $to) (local.tee $bytes (v128.load (local.get $from))))
        (local.set $found
          (i8x16.bitmask
            (v128.or
              (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20)))
              (v128.or
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c)))))))
        (if (i32.eqz (local.get $found))
          (then
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (br $next)))

        ;; The first of them is written anew, and the copy goes on behind it.
        (local.set $found (i32.ctz (local.get $found)))
        (local.set $from (i32.add (local.get $from) (local.get $found)))
        (local.set $to (i32.add (local.get $to) (local.get $found)))
        (local.set $byte (i32.load8_u (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $letter (i32.load8_u (local.get $byte)))
        (i32.store8 (local.get $to) (i32.const 0x5c))
        (i32.store8 offset=1 (local.get $to) (local.get $letter))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))
        (br_if $next (i32.ne (local.get $letter) (i32.const 0x75)))

        ;; `\u00` and two hex digits.
        (i32.store16 (local.get $to) (i32.const 0x3030))
        (i32.store8 offset=2 (local.get $to)
          (i32.add (i32.const 0x30) (i32.shr_u (local.get $byte) (i32.const 4))))
        (local.set $byte (i32.and (local.get $byte) (i32.const 0xf)))
        (i32.store8 offset=3 (local.get $to)
          (i32.add
            (local.get $byte)
            (select (i32.const 0x30) (i32.const 0x57) (i32.lt_u (local.get $byte) (i32.const 10)))))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (br $next)))
    ;; Without the spaces that were copied.
    (i32.sub (local.get $to) (i32.sub (local.get $from) (local.get $end)))))
