# What every suite needs: where the module is, and a fresh PowerShell.

$PgOpsRoot = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
$PgOpsModule = if ($env:PGOPS_MODULE) { $env:PGOPS_MODULE } else { Join-Path $PgOpsRoot 'PgOps.psd1' }

# How to start another PowerShell: program and first arguments. As the running one was: a dotnet tool runs as 'dotnet pwsh.dll', and the
# pwsh beside that DLL cannot be executed by everybody where the tool is shared.
function Get-Pwsh {
    $dotnet = [System.IO.Path]::GetFileNameWithoutExtension([Environment]::ProcessPath) -eq 'dotnet'
    @([Environment]::ProcessPath) + ($dotnet ? @(Join-Path $PSHOME 'pwsh.dll') : @()) + '-NoProfile' + '-NonInteractive'
}

# Runs PowerShell in a new process. Its exit code is in $LASTEXITCODE; one that did not start has none, and that is an error.
function Invoke-Pwsh {
    $program, $first = Get-Pwsh
    $global:LASTEXITCODE = $null
    & $program @first @args
    if ($null -eq $LASTEXITCODE) { throw "$program did not run: it gave no exit code." }
}

# Runs a script in a new PowerShell process and gives its output as strings.
function Invoke-Fresh([string] $Script) {
    $text = "`$ProgressPreference = 'SilentlyContinue'; `$PSStyle.OutputRendering = 'PlainText'; $Script"
    $encoded = [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($text))
    Invoke-Pwsh -OutputFormat Text -EncodedCommand $encoded
}

# Whether Start-Job can work: it starts the pwsh beside PowerShell's DLLs, whatever the running process was started by.
function Test-JobStart {
    if ($IsWindows) { return $true }
    test -x (Join-Path $PSHOME 'pwsh')
    $LASTEXITCODE -eq 0
}

# A folder of migrations from a hashtable of file names and texts.
function New-MigrationFolder([System.Collections.IDictionary] $Files) {
    $folder = Join-Path $TestDrive ([guid]::NewGuid().ToString('N').Substring(0, 8))
    $null = New-Item -ItemType Directory $folder
    foreach ($file in $Files.GetEnumerator()) {
        $path = Join-Path $folder $file.Key
        $null = New-Item -ItemType Directory -Force (Split-Path $path)
        Set-Content -Path $path -Value $file.Value -NoNewline
    }
    $folder
}

# Runs a script block with a target's PG* variables, the password among them, and puts the environment back.
function Use-PgEnvironment($Target, [scriptblock] $Do) {
    $saved = @{}
    foreach ($pair in $Target.GetEnvironment().GetEnumerator()) {
        $saved[$pair.Key] = [Environment]::GetEnvironmentVariable($pair.Key)
        [Environment]::SetEnvironmentVariable($pair.Key, $pair.Value)
    }
    try { & $Do }
    # A $null would become an empty text, which libpq takes for a value.
    finally { foreach ($name in $saved.Keys) { [Environment]::SetEnvironmentVariable($name, $saved[$name] ?? [NullString]::Value) } }
}

# Runs SQL with psql; the password travels in the environment.
function Invoke-Sql($Target, [string] $Sql) {
    Use-PgEnvironment $Target {
        $result = psql -X -q -A -t -v ON_ERROR_STOP=1 -c $Sql
        if ($LASTEXITCODE -ne 0) { throw "psql ended with exit code $LASTEXITCODE." }
        $result
    }
}
