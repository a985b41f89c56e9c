;; Finds `{"` in the memory that it is given, 64 bytes at a time. `scan-buffer.ts` holds it assembled; its test
;; assembles this text and compares.
(module
  (import "chunk" "memory" (memory 1))

  ;; Where the two bytes begin, both of which are in [at, end); -1 where they are not. Behind the end, up to 80 bytes are
  ;; read.
  (func (export "find") (param $at i32) (param $end i32) (result i32)
    (local $brace v128) (local $quote v128) (local $found i32)
    (local.set $brace (i8x16.splat (i32.const 0x7b)))
    (local.set $quote (i8x16.splat (i32.const 0x22)))
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
        (if
          (v128.any_true
            (v128.or
              (v128.or
                (v128.and
                  (i8x16.eq (v128.load (local.get $at)) (local.get $brace))
                  (i8x16.eq (v128.load offset=1 (local.get $at)) (local.get $quote)))
                (v128.and
                  (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $brace))
                  (i8x16.eq (v128.load offset=17 (local.get $at)) (local.get $quote))))
              (v128.or
                (v128.and
                  (i8x16.eq (v128.load offset=32 (local.get $at)) (local.get $brace))
                  (i8x16.eq (v128.load offset=33 (local.get $at)) (local.get $quote)))
                (v128.and
                  (i8x16.eq (v128.load offset=48 (local.get $at)) (local.get $brace))
                  (i8x16.eq (v128.load offset=49 (local.get $at)) (local.get $quote))))))
          (then
            (loop $within
              (local.set $found
                (i8x16.bitmask
                  (v128.and
                    (i8x16.eq (v128.load (local.get $at)) (local.get $brace))
                    (i8x16.eq (v128.load offset=1 (local.get $at)) (local.get $quote)))))
              (if (i32.eqz (local.get $found))
                (then
                  (local.set $at (i32.add (local.get $at) (i32.const 16)))
                  (br $within))))
            (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $found))))
            (br_if $none (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
            (return (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next)))
    (i32.const -1)))
