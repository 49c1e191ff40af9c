package jvm;

import java.nio.file.Path;
import java.util.Map;

/** What the command line asks for: the arguments that every contestant gets, behind those of its own. */
public record Task(String variant, String bootstrapServers, String topic, long counted, Path file) {
    /** Processes the topic once, and returns when the run's last window is out. */
    @FunctionalInterface
    public interface Pass {
        void process(Run run) throws Exception;
    }

    /** The task in {@code main}'s arguments. */
    public static Task of(String[] arguments) {
        return new Task(
                arguments[0], arguments[1], arguments[2], Long.parseLong(arguments[3]), Path.of(arguments[4]));
    }

    /**
     * Makes one pass for the just-in-time compiler, and one that counts. Ends the process, so that no thread of the
     * peer keeps it.
     */
    public void run(Pass pass, Map<String, String> versions) throws Exception {
        Run first = new Run(counted);
        pass.process(first);
        System.err.println("the first pass took " + first.cpuSeconds() + " s of processor time");
        System.gc();
        Run measured = new Run(counted);
        pass.process(measured);
        measured.report(file, versions);
        System.exit(0);
    }
}
