# tick.pl DIRECTORY NAME: ticks as tick.sh does, in what a shell cannot do.
use strict;
my ($directory, $name) = @ARGV;
sub tick { open(my $file, '>>', "$directory/tick.$name"); print $file "x\n"; close $file; }
tick();
# renamed...: writes over the memory in which the system finds its arguments and its environment.
$0 = 'innocent ' . ('x' x 100000) if $name =~ /^renamed/;
# subreaper: adopts the orphans below it, so that they never become children of process 1.
if ($name eq 'subreaper') {
  my %prctl = (x86_64 => 157, aarch64 => 167);
  my $machine = (split ' ', `uname -m`)[0];
  syscall($prctl{$machine} // die("no number of prctl for $machine"), 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
  system("(env -i PATH='$ENV{PATH}' setsid sh -c \"while :; do echo x >>'$directory/tick.subreaper'; sleep 0.1; done & exit 0\" &)");
}
open(my $file, '>', "$directory/pid.$name.part"); print $file "$$\n"; close $file;
rename "$directory/pid.$name.part", "$directory/pid.$name";
while (1) { tick(); select(undef, undef, undef, 0.1); }
